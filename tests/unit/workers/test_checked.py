"""What a worker believes of a plugin."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pytest

from earmark_plugin_api import (
    ClassifierError,
    ClipWindow,
    InvalidOutputError,
    Label,
    Manifest,
    NotLoadedError,
    Window,
    WindowScores,
)
from earmark_workers.engine.batching import Batcher, ClipError
from earmark_workers.engine.checked import CheckedScorer, ClassifierCrashedError

Floats = npt.NDArray[np.float32]
MANIFEST = Manifest(
    name="odd",
    version="1.0.0",
    labels=(Label("a", "A"), Label("b", "B")),
    sample_rate=100,
    window=Window(1.0, 1.0),
    licence="Apache-2.0",
    description="Returns or raises what it is told to.",
)


class Odd:
    """A classifier that returns, or raises, what it was made with."""

    manifest = MANIFEST

    def __init__(self, outcome: Floats | Exception) -> None:
        self.outcome = outcome

    def load(self, device: str = "cpu") -> None: ...

    def close(self) -> None: ...

    def predict(self, windows: Floats) -> WindowScores:
        return WindowScores(self.pool(windows))

    def pool(self, scores: Floats) -> Floats:
        if isinstance(self.outcome, Exception):
            raise self.outcome
        return self.outcome


WINDOWS = np.zeros((1, 100), np.float32)


@pytest.mark.parametrize(
    "scores",
    [
        np.array([[np.nan, 0.5]], np.float32),
        np.array([[1.5, 0.5]], np.float32),
        np.array([[0.5]], np.float32),
        np.array([[0.5, 0.5]], np.float64),
    ],
    ids=["not a number", "above one", "a column short", "float64"],
)
def test_scores_that_break_the_contract_are_refused(scores: Floats) -> None:
    with pytest.raises(InvalidOutputError):
        CheckedScorer(Odd(scores)).predict(WINDOWS)
    with pytest.raises(InvalidOutputError):
        CheckedScorer(Odd(scores[0])).pool(WINDOWS)


def test_good_scores_pass_as_they_are() -> None:
    scores = np.array([[0.25, 0.5]], np.float32)
    assert CheckedScorer(Odd(scores)).predict(WINDOWS).scores is scores


def test_a_mistake_of_the_plugin_keeps_its_reason() -> None:
    with pytest.raises(ClassifierCrashedError, match="ZeroDivisionError: by zero") as caught:
        CheckedScorer(Odd(ZeroDivisionError("by zero"))).predict(WINDOWS)
    assert caught.value.code == "classifier_crashed"


def test_what_the_plugin_raises_on_purpose_is_passed_on() -> None:
    with pytest.raises(NotLoadedError):
        CheckedScorer(Odd(NotLoadedError("not yet"))).predict(WINDOWS)


def test_a_crash_fails_the_file_and_not_the_batcher() -> None:
    batcher = Batcher(CheckedScorer(Odd(RuntimeError("boom"))), 4)
    batcher.add(7, ClipWindow(WINDOWS[0], 0.0, 1.0))
    batcher.end(7)
    batcher.flush()
    (finished,) = batcher.take_finished()
    assert isinstance(finished, ClipError)
    assert isinstance(finished.error, ClassifierError)
    assert "boom" in str(finished.error)
