"""From rows to a model that can be installed: settings by inner folds, calibration, arrays."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from earmark_classifiers.calibration import Calibration, fit_calibration
from earmark_classifiers.tabular.applying import ScoringModel
from earmark_classifiers.tabular.arrays import Scaler
from earmark_classifiers.tabular.models import Model
from earmark_classifiers.tabular.rows import Rows, assign_folds
from earmark_classifiers.training.errors import TooFewSoundsError

Floats = npt.NDArray[np.float32]
Truth = npt.NDArray[np.bool_]
Fit = Callable[[Floats, Truth, float, int], Model]
"""Scaled rows, their truth, strength and seed to a model; see `fitting`."""

FOLDS = 4


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
