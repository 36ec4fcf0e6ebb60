"""From rows to a model that can be installed: settings by inner folds, calibration, arrays."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from earmark_classifiers.evaluation.calibration import reliability
from earmark_classifiers.evaluation.metrics import figures
from earmark_classifiers.tabular.applying import ScoringModel
from earmark_classifiers.tabular.arrays import Scaler
from earmark_classifiers.tabular.calibration import Calibration, fit_calibration
from earmark_classifiers.tabular.models import Model
from earmark_classifiers.tabular.rows import Rows, assign_folds
from earmark_classifiers.training.errors import TooFewSoundsError

Floats = npt.NDArray[np.float32]
Truth = npt.NDArray[np.bool_]
Fit = Callable[[Floats, Truth, float, int], Model]
"""Scaled rows, their truth, strength and seed to a model; see `fitting`."""

FOLDS = 4

FEWEST_TO_MEAN_ANYTHING = 5
"""Validation clips of a class below which its own figures are chance."""


@dataclass(frozen=True)
class Learner:
    """A way to learn, and how strong it may be.

    Attributes
    ----------
    fit : callable
    strengths : tuple of float
        What is tried, the most cautious first.
    """

    fit: Fit
    strengths: tuple[float, ...]


@dataclass(frozen=True)
class Learnt:
    """What came of learning.

    Attributes
    ----------
    model : ScoringModel
    strength : float
        The one that was chosen.
    losses : mapping of float to float
        Calibrated log loss of each strength on what it did not learn from.
    """

    model: ScoringModel
    strength: float
    losses: Mapping[float, float]


def learn(
    rows: Rows,
    learner: Learner,
    seed: int,
    report: Callable[[int, int], None] = lambda done, of: None,
) -> Learnt:
    """Choose the strength by inner folds, calibrate on them, and fit to everything.

    Parameters
    ----------
    rows : Rows
        Of the training clips only.
    learner : Learner
    seed : int
    report : callable
        Called with how many fits are done, and of how many.

    Returns
    -------
    Learnt
        The strength is that of the lowest calibrated log loss: unlike accuracy it still tells
        settings apart where there are few clips.

    Raises
    ------
    TooFewSoundsError
        If all clips are of one recording.
    """
    if len(set(rows.groups)) < 2:
        raise TooFewSoundsError(
            "All sounds to learn from belong to one recording; add others of each class."
        )
    scaler = Scaler.fit(rows.values)
    scaled = scaler(rows.values)
    folds = min(FOLDS, len(set(rows.groups)))
    place = assign_folds(rows, folds, seed)[rows.owner]
    steps = len(learner.strengths) * folds + 1
    losses: dict[float, float] = {}
    calibrations: dict[float, Calibration] = {}
    for number, strength in enumerate(learner.strengths):
        decisions = np.zeros(rows.row_truth.shape, np.float32)
        for fold in range(folds):
            inside, outside = place != fold, place == fold
            model = learner.fit(scaled[inside], rows.row_truth[inside], strength, seed)
            decisions[outside] = model.decide(scaled[outside])
            report(number * folds + fold + 1, steps)
        calibrations[strength] = fit_calibration(decisions, rows.row_truth)
        losses[strength] = calibrations[strength].log_loss(decisions, rows.row_truth)
    best = min(losses, key=lambda strength: losses[strength])
    model = learner.fit(scaled, rows.row_truth, best, seed)
    report(steps, steps)
    return Learnt(ScoringModel(scaler, model, calibrations[best]), best, losses)


def clip_figures(labels: Sequence[str], truth: Truth, scores: Floats) -> dict[str, Any]:
    """Return figures over validation clips as JSON values.

    Parameters
    ----------
    labels : sequence of str
    truth : ndarray of bool, shape (clips, labels)
    scores : ndarray of float32, shape (clips, labels)
        Pooled.
    """
    found = figures(truth, scores)
    table = found.classes
    classes = {
        label: {
            "clips": int(table.support[column]),
            "recall": _rounded(table.recall[column]),
            "precision": _rounded(table.precision[column]),
            "average_precision": _rounded(table.average_precision[column]),
        }
        for column, label in enumerate(labels)
    }
    return {
        "validation_clips": found.clips,
        "accuracy": _rounded(found.accuracy),
        "macro_recall": _rounded(found.macro_recall),
        "macro_f1": _rounded(found.macro_f1),
        "mean_average_precision": _rounded(found.mean_average_precision),
        "calibration_error": _rounded(_calibration_error(truth, scores)),
        "classes": classes,
        "too_few_to_mean_anything": [
            label
            for label, support in zip(labels, table.support, strict=True)
            if support < FEWEST_TO_MEAN_ANYTHING
        ],
    }


def _rounded(value: float) -> float | None:
    return None if np.isnan(value) else round(float(value), 4)


def _calibration_error(truth: Truth, scores: Floats) -> float:
    """Compare the confidence in the first label with the share of clips it is right in."""
    right = truth[np.arange(len(truth)), scores.argmax(axis=1)]
    return reliability(scores.max(axis=1), right).error
