"""Both sides of a classifier can refuse what does not fit its manifest."""

from __future__ import annotations

import dataclasses
import math
from typing import Any

import numpy as np
import pytest

from earmark_plugin_api import (
    InvalidInputError,
    InvalidOutputError,
    Label,
    Manifest,
    Window,
    WindowScores,
    require_clip_scores,
    require_result,
    require_window_scores,
    require_windows,
)

MANIFEST = Manifest(
    name="probe",
    version="1.0.0",
    labels=(Label("a", "A"), Label("b", "B")),
    sample_rate=8,
    window=Window(1.0, 1.0),
    licence="Apache-2.0",
    description="For these tests.",
)
EMBEDDING = dataclasses.replace(MANIFEST, embedding_size=3)


def filled(*shape: int, value: float = 0.5, dtype: Any = np.float32) -> Any:
    return np.full(shape, value, dtype)


@pytest.mark.parametrize("rows", [0, 1, 5])
def test_windows_that_fit_pass(rows: int) -> None:
    require_windows(MANIFEST, filled(rows, 8))


@pytest.mark.parametrize(
    "windows",
    [
        filled(8),
        filled(1, 7),
        filled(1, 1, 8),
        filled(1, 8, dtype=np.float64),
        filled(1, 8, value=math.nan),
        filled(1, 8, value=-math.inf),
    ],
)
def test_windows_that_do_not_fit_are_refused(windows: Any) -> None:
    with pytest.raises(InvalidInputError, match="windows"):
        require_windows(MANIFEST, windows)


@pytest.mark.parametrize("scores", [filled(0, 2), filled(2), filled(1, 3), filled(1, 2, value=1.5)])
def test_scores_that_cannot_be_pooled_are_refused(scores: Any) -> None:
    with pytest.raises(InvalidInputError):
        require_window_scores(MANIFEST, scores)


def test_results_that_keep_the_promise_pass() -> None:
    require_result(MANIFEST, 4, WindowScores(filled(4, 2)))
    require_result(MANIFEST, 0, WindowScores(filled(0, 2)))
    require_result(EMBEDDING, 4, WindowScores(filled(4, 2), filled(4, 3, value=-7.0)))
    require_window_scores(MANIFEST, filled(4, 2))
    require_clip_scores(MANIFEST, filled(2))


@pytest.mark.parametrize(
    ("manifest", "result"),
    [
        (MANIFEST, WindowScores(filled(3, 2))),
        (MANIFEST, WindowScores(filled(4, 3))),
        (MANIFEST, WindowScores(filled(4, 2, value=-0.1))),
        (MANIFEST, WindowScores(filled(4, 2, value=math.nan))),
        (MANIFEST, WindowScores(filled(4, 2, dtype=np.float64))),
        (MANIFEST, WindowScores(filled(4, 2), filled(4, 3))),
        (EMBEDDING, WindowScores(filled(4, 2))),
        (EMBEDDING, WindowScores(filled(4, 2), filled(4, 2))),
        (EMBEDDING, WindowScores(filled(4, 2), filled(4, 3, value=math.inf))),
    ],
)
def test_results_that_break_the_promise_are_refused(
    manifest: Manifest, result: WindowScores
) -> None:
    with pytest.raises(InvalidOutputError) as raised:
        require_result(manifest, 4, result)
    assert raised.value.code == "invalid_output"


@pytest.mark.parametrize("scores", [filled(3), filled(1, 2), filled(2, value=1.01)])
def test_clip_scores_that_are_not_one_a_label_are_refused(scores: Any) -> None:
    with pytest.raises(InvalidOutputError):
        require_clip_scores(MANIFEST, scores)
