"""Figures from scores and truth: accuracy, precision, recall, F1, average precision, confusion.

Pure NumPy. Rows are clips, columns are classes. Where scikit-learn has the same figure, the
numbers are equal; the differences are said where they are. Confidence intervals are in
`earmark_classifiers.evaluation.resampling`, calibration in `.calibration`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

Scores = npt.NDArray[np.floating[Any]]
Indices = npt.NDArray[np.integer[Any]]
Truth = npt.NDArray[np.bool_]
Doubles = npt.NDArray[np.float64]
Counts = npt.NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class ClassTable:
    """Figures of each class, in the order of the columns.

    Attributes
    ----------
    support : ndarray of int64, shape (classes,)
        Clips that are of the class.
    precision : ndarray of float64, shape (classes,)
        Of the clips given the class, the share that is of it; 0 where none was given it.
    recall : ndarray of float64, shape (classes,)
        Of the clips of the class, the share that was given it; NaN where there are none.
    f1 : ndarray of float64, shape (classes,)
        Harmonic mean of both; NaN where there are no clips of the class.
    average_precision : ndarray of float64, shape (classes,)
        See `average_precisions`.
    """

    support: Counts
    precision: Doubles
    recall: Doubles
    f1: Doubles
    average_precision: Doubles


@dataclass(frozen=True, eq=False)
class Figures:
    """The figures of a classifier over labelled clips; all in [0, 1].

    Macro figures are means over the classes that have clips, each class counting the same.
    """

    clips: int
    accuracy: float
    macro_precision: float
    macro_recall: float
    macro_f1: float
    mean_average_precision: float
    classes: ClassTable


def one_hot(classes: Indices, count: int) -> Truth:
    """Return the truth of clips that have exactly one class each.

    Parameters
    ----------
    classes : ndarray of int, shape (clips,)
        Column of each clip, in [0, `count`).
    count : int
        Number of classes.

    Returns
    -------
    ndarray of bool, shape (clips, count)
    """
    truth = np.zeros((len(classes), count), np.bool_)
    truth[np.arange(len(classes)), classes] = True
    return truth


def top_classes(scores: Scores) -> Counts:
    """Return the column of the highest score of each clip; of equal ones the first.

    Parameters
    ----------
    scores : ndarray, shape (clips, classes)
    """
    top: Counts = scores.argmax(axis=1).astype(np.int64)
    return top


def accuracy(truth: Truth, scores: Scores) -> float:
    """Share of clips whose highest score belongs to a class of theirs; NaN without clips.

    Parameters
    ----------
    truth : ndarray of bool, shape (clips, classes)
        May hold several classes a clip.
    scores : ndarray, shape (clips, classes)
    """
    _require_same_shape(truth, scores)
    if not len(truth):
        return float("nan")
    return float(truth[np.arange(len(truth)), top_classes(scores)].mean())


def figures(truth: Truth, scores: Scores) -> Figures:
    """Compute everything there is to say in numbers.

    A clip is given one class, that of its highest score. A clip of several classes can therefore
    be recalled for one of them only; average precision has no such limit.

    Parameters
    ----------
    truth : ndarray of bool, shape (clips, classes)
    scores : ndarray, shape (clips, classes)
        Any finite values; only their order within a row and within a column matters.

    Raises
    ------
    ValueError
        If the shapes differ or a score is not finite.
    """
    table = class_table(truth, scores)
    present = table.support > 0
    return Figures(
        clips=len(truth),
        accuracy=accuracy(truth, scores),
        macro_precision=_mean(table.precision[present]),
        macro_recall=_mean(table.recall[present]),
        macro_f1=_mean(table.f1[present]),
        mean_average_precision=_mean(table.average_precision[present]),
        classes=table,
    )


def class_table(truth: Truth, scores: Scores) -> ClassTable:
    """Compute the figures of each class; see `figures`."""
    _require_same_shape(truth, scores)
    given = one_hot(top_classes(scores), truth.shape[1])
    hits = (truth & given).sum(axis=0)
    support, chosen = truth.sum(axis=0), given.sum(axis=0)
    precision = np.divide(hits, chosen, out=np.zeros(len(hits)), where=chosen > 0)
    recall = np.divide(hits, support, out=np.full(len(hits), np.nan), where=support > 0)
    f1 = np.divide(
        2 * hits, support + chosen, out=np.full(len(hits), np.nan), where=support > 0
    )  # of equal value as 2 p r / (p + r), without its division by zero
    return ClassTable(
        support=support.astype(np.int64),
        precision=precision,
        recall=recall,
        f1=f1,
        average_precision=average_precisions(truth, scores),
    )


def macro_f1(truth: Truth, scores: Scores) -> float:
    """Mean F1 over the classes that have clips; see `figures`."""
    return figures(truth, scores).macro_f1


def mean_average_precision(truth: Truth, scores: Scores) -> float:
    """Mean of `average_precisions` over the classes that have clips; NaN if there are none."""
    values = average_precisions(truth, scores)
    return _mean(values[~np.isnan(values)])


def average_precisions(truth: Truth, scores: Scores) -> Doubles:
    """Average precision of each class, NaN for a class without clips.

    The area under the precision-recall steps, without interpolation: ``sum (R_n - R_n-1) P_n``
    over the distinct scores from high to low, as scikit-learn and AudioSet's figures have it.
    Clips with equal scores come in together, so their order does not matter.

    Parameters
    ----------
    truth : ndarray of bool, shape (clips, classes)
    scores : ndarray, shape (clips, classes)

    Returns
    -------
    ndarray of float64, shape (classes,)
    """
    _require_same_shape(truth, scores)
    columns = range(truth.shape[1])
    return np.array([average_precision(truth[:, c], scores[:, c]) for c in columns], np.float64)


def average_precision(truth: Truth, scores: Scores) -> float:
    """Average precision of one class, of shape (clips,) each; see `average_precisions`."""
    if not truth.any():
        return float("nan")
    precision, recall, _ = precision_recall(truth, scores)
    return float(np.sum(np.diff(recall, prepend=0.0) * precision))


def precision_recall(truth: Truth, scores: Scores) -> tuple[Doubles, Doubles, Doubles]:
    """Precision and recall of one class for every threshold that makes a difference.

    Parameters
    ----------
    truth : ndarray of bool, shape (clips,)
        With at least one clip of the class.
    scores : ndarray, shape (clips,)

    Returns
    -------
    precision, recall, thresholds : ndarray of float64, shape (distinct scores,)
        With what scores at least the threshold accepted; thresholds fall, recall rises to 1.

    Raises
    ------
    ValueError
        If no clip is of the class: there is no recall then.
    """
    if not truth.any():
        raise ValueError("precision and recall need at least one clip of the class")
    order = np.argsort(-scores, kind="stable")
    ranked = scores[order]
    hits = np.cumsum(truth[order])
    last = np.append(np.flatnonzero(np.diff(ranked)), len(ranked) - 1)
    return hits[last] / (last + 1), hits[last] / hits[-1], ranked[last].astype(np.float64)


def confusion(truth: Indices, given: Indices, count: int) -> Counts:
    """Count clips by their class (row) and the class they were given (column).

    Parameters
    ----------
    truth, given : ndarray of int, shape (clips,)
        Columns in [0, `count`); clips of several classes have no place here.
    count : int
        Number of classes.

    Returns
    -------
    ndarray of int64, shape (count, count)
    """
    matrix = np.zeros((count, count), np.int64)
    np.add.at(matrix, (truth, given), 1)
    return matrix


def _mean(values: Doubles) -> float:
    return float(values.mean()) if len(values) else float("nan")


def _require_same_shape(truth: Truth, scores: Scores) -> None:
    if truth.shape != scores.shape or truth.ndim != 2:
        raise ValueError(f"truth {truth.shape} and scores {scores.shape} must be equal matrices")
    if not np.isfinite(scores).all():
        raise ValueError("scores must be finite")
