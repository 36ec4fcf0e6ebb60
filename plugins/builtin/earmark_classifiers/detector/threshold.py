"""Where a detector draws the line, and how good it is there."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from earmark_classifiers.evaluation.metrics import average_precision

Floats = npt.NDArray[np.float32]
Truth = npt.NDArray[np.bool_]

RARITY = 20.0
"""Windows of background for each one with the sound, in the recordings a detector is made for."""


def choose_threshold(decisions: Floats, truth: Truth, rarity: float = RARITY) -> float:
    """Return the threshold with the best F1 in recordings where the sound is rare.

    Parameters
    ----------
    decisions : ndarray of float32, shape (windows,)
        About sounds that were not learnt from; any real numbers.
    truth : ndarray of bool, shape (windows,)
        With both values.
    rarity : float
        False alarms weigh as if there were this many windows of background for each of the sound.

    Returns
    -------
    float
        Half-way between the lowest decision that is taken and the next below.
    """
    levels = np.unique(decisions)[::-1]
    weight = rarity * truth.sum() / (~truth).sum()
    found = np.array([(decisions[truth] >= level).sum() for level in levels], np.float64)
    alarms = np.array([(decisions[~truth] >= level).sum() for level in levels]) * weight
    f1 = 2 * found / (found + alarms + truth.sum())
    best = int(f1.argmax())
    return float(levels[best : best + 2].mean())


def window_figures(scores: Floats, truth: Truth, threshold: float) -> dict[str, Any]:
    """Return figures over validation windows as JSON values.

    ``recall`` is the share of windows with the sound that are taken, ``false_alarms`` the share of
    those without it; ``accuracy`` is over all of them, ``macro_recall`` the mean of both kinds.
    Where the threshold was chosen on the same windows, all but ``average_precision`` lean upwards.
    """
    taken = scores >= threshold
    recall, alarms = float(taken[truth].mean()), float(taken[~truth].mean())
    return {
        "windows": len(truth),
        "windows_with_sound": int(truth.sum()),
        "accuracy": round(float((taken == truth).mean()), 4),
        "macro_recall": round((recall + 1 - alarms) / 2, 4),
        "recall": round(recall, 4),
        "false_alarms": round(alarms, 4),
        "average_precision": round(average_precision(truth, scores), 4),
    }
