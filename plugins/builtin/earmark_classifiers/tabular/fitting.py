"""Fitting models to rows with scikit-learn, and taking what was learnt out of it as arrays."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from earmark_classifiers.tabular.models import Forest, KernelMachine, LinearModel

Floats = npt.NDArray[np.float32]
Truth = npt.NDArray[np.bool_]

SURE = 8.0
"""Decision for a label that all rows have; its negative for one that none has."""

TREES = 200


def fit_linear(rows: Floats, truth: Truth, strength: float, seed: int) -> LinearModel:
    """Fit one logistic regression a label.

    The rows with and without a label weigh the same together: with 39 classes a rare one would
    otherwise never get a say (0.89 instead of 0.80 of clips right, 0.85 instead of 0.60 by class).

    Parameters
    ----------
    rows : ndarray of float32, shape (rows, features)
        Scaled.
    truth : ndarray of bool, shape (rows, labels)
    strength : float
        How far the data may pull the weights: scikit-learn's ``C``.
    seed : int
        Not used: the solution is the only one there is.
    """
    from sklearn.linear_model import LogisticRegression

    weights = np.zeros((rows.shape[1], truth.shape[1]), np.float32)
    offsets = np.where(truth.all(axis=0), SURE, -SURE).astype(np.float32)
    for label in _learnable(truth):
        machine = LogisticRegression(C=strength, class_weight="balanced", max_iter=500)
        machine.fit(rows, truth[:, label])
        weights[:, label] = machine.coef_[0]
        offsets[label] = machine.intercept_[0]
    return LinearModel(weights, offsets)


def fit_svm(rows: Floats, truth: Truth, strength: float, seed: int) -> KernelMachine:
    """Fit one support vector machine with a Gaussian kernel a label; see `fit_linear`."""
    from sklearn.svm import SVC

    gamma = 1 / (rows.shape[1] * max(float(rows.var()), 1e-6))
    coefficients = np.zeros(truth.shape, np.float32)
    # The margin of an SVM is 1, so a quarter is as sure as a logistic regression gets.
    offsets = np.where(truth.all(axis=0), SURE / 4, -SURE / 4).astype(np.float32)
    for label in _learnable(truth):
        machine = SVC(C=strength, gamma=gamma, cache_size=500).fit(rows, truth[:, label])
        coefficients[machine.support_, label] = machine.dual_coef_[0]
        offsets[label] = machine.intercept_[0]
    used = coefficients.any(axis=1)
    return KernelMachine(rows[used], coefficients[used], offsets, gamma)


def fit_forest(rows: Floats, truth: Truth, strength: float, seed: int) -> Forest:
    """Fit a random forest to all labels together.

    Parameters
    ----------
    rows, truth
        As `fit_linear`.
    strength : float
        Share of the features a split may choose from.
    seed : int
    """
    from sklearn.ensemble import RandomForestClassifier

    # One label a row is learnt as one variable with many values: the mean Gini impurity of
    # one-hot columns is that of this variable, and scikit-learn is ten times faster.
    exclusive = bool((truth.sum(axis=1) == 1).all())
    target = truth.argmax(axis=1) if exclusive else truth
    learner = RandomForestClassifier(TREES, max_features=strength, random_state=seed)
    learner.fit(rows, target)
    trees = [tree.tree_ for tree in learner.estimators_]
    if exclusive:
        shares = np.zeros((sum(tree.node_count for tree in trees), truth.shape[1]), np.float32)
        shares[:, learner.classes_] = np.concatenate([tree.value[:, 0, :] for tree in trees])
    else:
        shares = np.concatenate([_shares(tree) for tree in trees])
        shares[:, truth.all(axis=0)] = 1  # scikit-learn counts the only value as the first
    return _join_trees(trees, shares)


def _shares(tree: Any) -> Floats:
    """Return the share of rows with each label, ``[nodes, labels]``."""
    values = tree.value  # [nodes, labels, no and yes]; without any yes there is no such column
    if values.shape[2] < 2:
        return np.zeros(values.shape[:2], np.float32)
    return np.asarray(values[:, :, 1], np.float32)


def _join_trees(trees: list[Any], shares: Floats) -> Forest:
    """Put the nodes of scikit-learn's trees one after another."""
    roots = np.cumsum([0, *(tree.node_count for tree in trees[:-1])])
    left, right = (
        np.concatenate([getattr(t, side) + root for t, root in zip(trees, roots, strict=True)])
        for side in ("children_left", "children_right")
    )
    is_leaf = np.concatenate([tree.children_left < 0 for tree in trees])
    numbers = np.arange(len(is_leaf))
    feature = np.concatenate([tree.feature for tree in trees])
    return Forest(
        roots=roots.astype(np.int32),
        feature=np.where(is_leaf, -1, feature).astype(np.int32),
        threshold=np.concatenate([tree.threshold for tree in trees]).astype(np.float32),
        left=np.where(is_leaf, numbers, left).astype(np.int32),
        right=np.where(is_leaf, numbers, right).astype(np.int32),
        leaf=np.where(is_leaf, np.cumsum(is_leaf) - 1, 0).astype(np.int32),
        shares=shares[is_leaf],
    )


def _learnable(truth: Truth) -> npt.NDArray[np.int64]:
    """Return the labels that some rows have and others have not."""
    return np.flatnonzero(truth.any(axis=0) & ~truth.all(axis=0))
