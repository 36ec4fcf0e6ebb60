"""Trained models that turn scaled features into one decision a label; NumPy only.

A decision is any real number, higher where the label is likelier; `calibration` makes scores of
decisions. Every label is decided by itself, so a sound may have several labels or none.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Protocol, Self

import numpy as np
import numpy.typing as npt

from earmark_classifiers.tabular.arrays import Arrays, ArraysUnusableError, take

Floats = npt.NDArray[np.float32]
Indices = npt.NDArray[np.int32]


class Model(Protocol):
    """A trained model."""

    kind: ClassVar[str]
    """Name in a classifier's settings."""

    def decide(self, rows: Floats) -> Floats:
        """Map scaled features ``[rows, features]`` to decisions ``[rows, labels]``."""
        ...

    def to_arrays(self) -> Arrays:
        """Return what it consists of."""
        ...

    @classmethod
    def from_arrays(cls, arrays: Arrays, features: int, labels: int) -> Self:
        """Make it of what `to_arrays` returned.

        Raises
        ------
        ArraysUnusableError
            If the arrays do not fit together.
        """
        ...


@dataclass(frozen=True, eq=False)
class LinearModel:
    """One hyperplane a label: ``rows @ weights + offsets``.

    Attributes
    ----------
    weights : ndarray of float32, shape (features, labels)
    offsets : ndarray of float32, shape (labels,)
    """

    weights: Floats
    offsets: Floats

    kind: ClassVar[str] = "linear"

    def decide(self, rows: Floats) -> Floats:
        """See `Model.decide`."""
        decisions: Floats = rows @ self.weights + self.offsets
        return decisions

    def to_arrays(self) -> Arrays:
        """See `Model.to_arrays`."""
        return {"weights": self.weights, "offsets": self.offsets}

    @classmethod
    def from_arrays(cls, arrays: Arrays, features: int, labels: int) -> LinearModel:
        """See `Model.from_arrays`."""
        return cls(take(arrays, "weights", (features, labels)), take(arrays, "offsets", (labels,)))


@dataclass(frozen=True, eq=False)
class KernelMachine:
    """Support vector machines with a Gaussian kernel, one a label, over shared vectors.

    The decision for label j is ``sum_i coefficients[i, j] exp(-gamma |x - vectors[i]|^2)`` plus
    ``offsets[j]``: Cortes and Vapnik, "Support-Vector Networks", Machine Learning 20, 1995.

    Attributes
    ----------
    vectors : ndarray of float32, shape (vectors, features)
        All training rows that are a support vector for any label.
    coefficients : ndarray of float32, shape (vectors, labels)
        0 where a row is no support vector of the label.
    offsets : ndarray of float32, shape (labels,)
    gamma : float
        Above 0.
    """

    vectors: Floats
    coefficients: Floats
    offsets: Floats
    gamma: float

    kind: ClassVar[str] = "svm"

    def decide(self, rows: Floats) -> Floats:
        """See `Model.decide`."""
        squares = np.square(rows).sum(axis=1)[:, None] + np.square(self.vectors).sum(axis=1)
        distances = np.maximum(squares - 2 * (rows @ self.vectors.T), 0)
        kernel = np.exp(np.float32(-self.gamma) * distances)
        decisions: Floats = kernel @ self.coefficients + self.offsets
        return decisions

    def to_arrays(self) -> Arrays:
        """See `Model.to_arrays`; vectors need no more than half precision after scaling."""
        return {
            "vectors": self.vectors.astype(np.float16),
            "coefficients": self.coefficients.astype(np.float16),
            "offsets": self.offsets,
            "gamma": np.array([self.gamma], np.float32),
        }

    @classmethod
    def from_arrays(cls, arrays: Arrays, features: int, labels: int) -> KernelMachine:
        """See `Model.from_arrays`."""
        vectors = take(arrays, "vectors", (None, features))
        gamma = float(take(arrays, "gamma", (1,))[0])
        if not gamma > 0:
            raise ArraysUnusableError("The model's kernel has no width; train it again.")
        return cls(
            vectors=vectors,
            coefficients=take(arrays, "coefficients", (len(vectors), labels)),
            offsets=take(arrays, "offsets", (labels,)),
            gamma=gamma,
        )


@dataclass(frozen=True, eq=False)
class Forest:
    """Decision trees that vote: Breiman, "Random Forests", Machine Learning 45, 2001.

    All nodes of all trees lie in one row of arrays. The decision is the logit of the mean share
    of a label in the leaves a row falls into.

    Attributes
    ----------
    roots : ndarray of int32, shape (trees,)
        Node each tree begins with.
    feature : ndarray of int32, shape (nodes,)
        What a node looks at; -1 for a leaf.
    threshold : ndarray of float32, shape (nodes,)
        A row goes to `left` if its feature is not above it, else to `right`.
    left, right : ndarray of int32, shape (nodes,)
        Node that follows; in a leaf the node itself.
    leaf : ndarray of int32, shape (nodes,)
        Row of `shares` a leaf has; 0 for other nodes.
    shares : ndarray of float32, shape (leaves, labels)
        In [0, 1].
    """

    roots: Indices
    feature: Indices
    threshold: Floats
    left: Indices
    right: Indices
    leaf: Indices
    shares: Floats

    kind: ClassVar[str] = "forest"

    SURE = 1e-3
    """Shares are held this far from 0 and 1: a logit has to be finite."""

    def decide(self, rows: Floats) -> Floats:
        """See `Model.decide`."""
        nodes = np.broadcast_to(self.roots, (len(rows), len(self.roots))).copy()
        number = np.arange(len(rows))[:, None]
        while True:
            looked_at = self.feature[nodes]
            if (looked_at < 0).all():
                break
            goes_left = rows[number, looked_at] <= self.threshold[nodes]
            nodes = np.where(goes_left, self.left[nodes], self.right[nodes])
        votes = np.zeros((len(rows), self.shares.shape[1]), np.float32)
        for tree in range(len(self.roots)):  # all at once would take trees times the memory
            votes += self.shares[self.leaf[nodes[:, tree]]]
        share = np.clip(votes / len(self.roots), self.SURE, 1 - self.SURE)
        decisions: Floats = np.log(share / (1 - share)).astype(np.float32)
        return decisions

    def to_arrays(self) -> Arrays:
        """See `Model.to_arrays`; shares are kept in steps of 1/255."""
        return {
            "roots": self.roots,
            "feature": self.feature.astype(np.int16),
            "threshold": self.threshold,
            "left": self.left,
            "right": self.right,
            "leaf": self.leaf,
            "shares": np.round(self.shares * 255).astype(np.uint8),
        }

    @classmethod
    def from_arrays(cls, arrays: Arrays, features: int, labels: int) -> Forest:
        """See `Model.from_arrays`."""
        feature = take(arrays, "feature", (None,), np.int32)
        count = (len(feature),)
        shares = take(arrays, "shares", (None, labels), np.uint8)
        forest = cls(
            roots=take(arrays, "roots", (None,), np.int32),
            feature=feature,
            threshold=take(arrays, "threshold", count),
            left=take(arrays, "left", count, np.int32),
            right=take(arrays, "right", count, np.int32),
            leaf=take(arrays, "leaf", count, np.int32),
            shares=(shares / 255).astype(np.float32),
        )
        forest._require_sound(features)
        return forest

    def _require_sound(self, features: int) -> None:
        """Refuse what `decide` would run round in, or out of, for ever."""
        numbers = np.arange(len(self.feature))
        inner = self.feature >= 0
        sound = (
            len(self.roots) > 0
            and ((self.roots >= 0) & (self.roots < len(numbers))).all()
            and (self.feature < features).all()
            # Children come after their parent, so every path ends.
            and (self.left[inner] > numbers[inner]).all()
            and (self.right[inner] > numbers[inner]).all()
            and (np.maximum(self.left, self.right) < len(numbers)).all()
            and ((self.leaf >= 0) & (self.leaf < len(self.shares))).all()
        )
        if not sound:
            raise ArraysUnusableError("The model's trees are not trees; train it again.")


MODELS: dict[str, type[Model]] = {
    model.kind: model for model in (LinearModel, KernelMachine, Forest)
}
"""Kinds of model by their name in a classifier's settings."""
