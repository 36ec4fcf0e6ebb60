"""The figures of a trained classifier over its validation clips, as they are kept with it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from earmark_classifiers.evaluation.calibration import reliability
from earmark_classifiers.evaluation.metrics import accuracy, figures, top_classes

Floats = npt.NDArray[np.float32]
Truth = npt.NDArray[np.bool_]

FEWEST_TO_MEAN_ANYTHING = 5
"""Validation clips of a class below which its own figures are chance."""


def first_label_right(truth: Truth, scores: Floats) -> float:
    """Share of clips whose first label is one of theirs; NaN without clips.

    Clips of no class do not count: no first label of theirs could be right.
    """
    labelled = truth.any(axis=1)
    return accuracy(truth[labelled], scores[labelled])


def clip_figures(
    labels: Sequence[str], truth: Truth, scores: Floats, calibrated: Floats | None
) -> dict[str, Any]:
    """Return figures over validation clips as JSON values; None stands for what is not defined.

    Parameters
    ----------
    labels : sequence of str
    truth : ndarray of bool, shape (clips, labels)
    scores : ndarray of float32, shape (clips, labels)
        Pooled.
    calibrated : ndarray of float32, shape (clips, labels), or None
        Scores by a calibration that was not fitted to these clips, for ``calibration_error``: the
        mean gap between the confidence in first labels and how often they are right. None if
        scores are not calibrated.
    """
    found = figures(truth, scores)
    table = found.classes
    told: dict[str, Any] = {
        "validation_clips": found.clips,
        "accuracy": _rounded(first_label_right(truth, scores)),
        "macro_recall": _rounded(found.macro_recall),
        "macro_f1": _rounded(found.macro_f1),
        "mean_average_precision": _rounded(found.mean_average_precision),
        "classes": {
            label: {
                "clips": int(table.support[column]),
                "recall": _rounded(table.recall[column]),
                "precision": _rounded(table.precision[column]),
                "average_precision": _rounded(table.average_precision[column]),
            }
            for column, label in enumerate(labels)
        },
        "too_few_to_mean_anything": [
            label
            for label, support in zip(labels, table.support, strict=True)
            if support < FEWEST_TO_MEAN_ANYTHING
        ],
    }
    if calibrated is not None:
        right = truth[np.arange(len(truth)), top_classes(calibrated)]
        told["calibration_error"] = _rounded(reliability(calibrated.max(axis=1), right).error)
    return told


def _rounded(value: float) -> float | None:
    return None if np.isnan(value) else round(float(value), 4)
