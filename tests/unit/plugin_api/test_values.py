"""What goes in and out of a classifier refuses to hold nonsense."""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt
import pytest

from earmark_plugin_api import (
    AudioClip,
    ClassifierError,
    InvalidInputError,
    Label,
    Prediction,
    errors,
    top_predictions,
)

LABELS = [Label(name, name.title()) for name in ("dog", "cat", "rain", "wind")]


def test_a_clip_knows_its_duration() -> None:
    assert AudioClip(np.zeros(24_000, np.float32), 48_000).duration == 0.5
    assert AudioClip(np.zeros(0, np.float32), 48_000).duration == 0.0


@pytest.mark.parametrize(
    ("samples", "rate", "told"),
    [
        (np.zeros(8), 8_000, "float64"),
        (np.zeros((8, 2), np.float32), 8_000, "shape"),
        (np.array([0.0, math.nan], np.float32), 8_000, "NaN"),
        (np.array([0.0, math.inf], np.float32), 8_000, "infinite"),
        (np.zeros(8, np.float32), 0, "positive"),
    ],
)
def test_a_clip_that_is_not_mono_finite_float32_is_refused(
    samples: npt.NDArray[np.float32], rate: int, told: str
) -> None:
    with pytest.raises(InvalidInputError, match=told):
        AudioClip(samples, rate)


@pytest.mark.parametrize("score", [-0.01, 1.01, math.nan, math.inf])
def test_a_score_outside_zero_to_one_is_refused(score: float) -> None:
    with pytest.raises(InvalidInputError, match=r"\[0, 1\]"):
        Prediction(LABELS[0], score)


def test_top_predictions_come_highest_first_and_ties_in_label_order() -> None:
    scores = np.array([0.2, 0.9, 0.2, 0.5], np.float32)
    names = [prediction.label.id for prediction in top_predictions(LABELS, scores)]
    assert names == ["cat", "wind", "dog", "rain"]


def test_top_predictions_are_limited() -> None:
    scores = np.array([0.2, 0.9, 0.2, 0.5], np.float32)
    top = top_predictions(LABELS, scores, limit=1)
    assert top == [Prediction(LABELS[1], float(np.float32(0.9)))]


@pytest.mark.parametrize("count", [3, 5])
def test_scores_that_do_not_fit_the_labels_are_refused(count: int) -> None:
    with pytest.raises(InvalidInputError, match="4 labels"):
        top_predictions(LABELS, np.zeros(count, np.float32))


def test_a_score_that_is_not_a_number_is_refused_even_below_the_limit() -> None:
    scores = np.array([0.2, math.nan, 0.2, 0.5], np.float32)
    with pytest.raises(InvalidInputError, match="NaN"):
        top_predictions(LABELS, scores, limit=1)


def test_every_error_has_its_own_stable_code() -> None:
    kinds = [
        kind
        for kind in vars(errors).values()
        if isinstance(kind, type) and issubclass(kind, ClassifierError)
    ]
    codes = sorted(kind.code for kind in kinds)
    assert codes == [
        "classifier_error",
        "device_unavailable",
        "invalid_input",
        "invalid_manifest",
        "invalid_output",
        "missing_dependency",
        "not_loaded",
        "out_of_device_memory",
        "weights_missing",
    ]
