from __future__ import annotations

import json

import numpy as np
import pytest

from earmark_classifiers.evaluation import metrics
from earmark_classifiers.evaluation.judging import Evaluation, keep_common


def evaluation(classes: list[int], scores: list[list[float]], **more: object) -> Evaluation:
    names = tuple(f"{row}.wav" for row in range(len(classes)))
    values = {
        "classifier": "test@1.0.0",
        "classes": ("Dog", "Cat", "Bell"),
        "names": names,
        "groups": names,
        "truth": metrics.one_hot(np.array(classes, int), 3),
        "scores": np.array(scores, np.float32).reshape(-1, 3),
    }
    return Evaluation(**values | more)


CASE = evaluation(
    [0, 0, 0, 1, 2],
    [[0.9, 0, 0], [0.1, 0.4, 0.2], [0.2, 0.8, 0.1], [0, 0.9, 0], [0.7, 0.1, 0.2]],
)


def test_the_worst_confusions_come_first_with_the_surest_mistakes() -> None:
    first, second = CASE.worst_confusions()
    assert (first.label, first.given, first.clips) == ("Dog", "Cat", 2)
    assert [name for name, _ in first.examples] == ["2.wav", "1.wav"]
    assert first.examples[0][1] == pytest.approx(0.8)
    assert (second.label, second.given, second.clips) == ("Bell", "Dog", 1)


def test_clips_of_several_classes_are_in_no_confusion() -> None:
    truth = CASE.truth.copy()
    truth[2, 2] = True
    two = evaluation([0] * 5, CASE.scores.tolist(), truth=truth)
    assert two.confusion.sum() == 4
    assert two.worst_confusions()[0].clips == 1


def test_what_has_no_value_is_null_and_the_rest_is_json() -> None:
    told = json.loads(json.dumps(evaluation([0], [[0.9, 0.1, 0.1]]).as_json(), allow_nan=False))
    assert told["accuracy"] == told["map"] == told["macro_f1"] == 1.0
    assert told["per_class"][1] == {
        "label": "Cat", "clips": 0, "precision": 0.0, "recall": None, "f1": None,
        "average_precision": None,
    }  # fmt: skip
    assert told["calibration_error"] == pytest.approx(0.1, abs=1e-3)


def test_no_clips_at_all_are_json_too() -> None:
    told = json.loads(json.dumps(evaluation([], []).as_json(), allow_nan=False))
    assert (told["clips"], told["accuracy"], told["intervals"]["map"]) == (0, None, [None, None])


def test_intervals_hold_their_figures() -> None:
    for name in ("accuracy", "macro_f1", "map"):
        found = CASE.interval(name)
        assert found.low <= found.value <= found.high


def test_classifiers_are_compared_over_the_clips_they_share() -> None:
    fewer = evaluation([0, 1], [[1, 0, 0], [0, 1, 0]], names=("3.wav", "0.wav"))
    first, second = keep_common([CASE, fewer])
    assert first.names == second.names == ("0.wav", "3.wav")
    assert first.truth.argmax(axis=1).tolist() == [0, 1]
    assert second.truth.argmax(axis=1).tolist() == [1, 0]
    assert second.scores.argmax(axis=1).tolist() == [1, 0]
