"""Windows of many files share a batch and come back to the right file."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from earmark_plugin_api import (
    ClipWindow,
    InvalidInputError,
    OutOfDeviceMemoryError,
    WindowScores,
)
from earmark_workers.engine.batching import Batcher, ClipError, Floats
from earmark_workers.engine.clip import ClipScores


class MeanScorer:
    """Scores a window by its mean and its peak; refuses negative windows; has `memory` rows."""

    def __init__(self, memory: int = 1000) -> None:
        self.memory = memory
        self.batches: list[int] = []

    def predict(self, windows: Floats) -> WindowScores:
        self.batches.append(len(windows))
        if len(windows) > self.memory:
            raise OutOfDeviceMemoryError("too many windows")
        if (windows < 0).any():
            raise InvalidInputError("negative")
        return WindowScores(np.stack([windows.mean(axis=1), windows.max(axis=1)], axis=1))

    def pool(self, scores: Floats) -> Floats:
        return scores.max(axis=0)


def window(value: float, start: float = 0.0) -> ClipWindow:
    return ClipWindow(np.full(4, value, np.float32), start, start + 5.0)


def finished(batcher: Batcher) -> dict[int, ClipScores | ClipError]:
    return {clip.task: clip for clip in batcher.take_finished()}


def test_windows_of_several_files_are_scored_in_one_call() -> None:
    scorer = MeanScorer()
    batcher = Batcher(scorer, 8)
    for task in (1, 2, 3):
        batcher.add(task, window(task / 10))
        batcher.end(task)
    batcher.flush()
    clips = finished(batcher)
    assert scorer.batches == [3]
    assert {t: pytest.approx(c.scores[0]) for t, c in clips.items()} == {1: 0.1, 2: 0.2, 3: 0.3}


def test_the_strongest_window_of_each_label_is_remembered() -> None:
    batcher = Batcher(MeanScorer(), 2)
    for index, value in enumerate((0.1, 0.9, 0.2)):
        batcher.add(7, window(value, start=5.0 * index))
    batcher.end(7)
    batcher.flush()
    clip = finished(batcher)[7]
    assert isinstance(clip, ClipScores)
    assert (clip.starts[0], clip.ends[0], clip.windows) == (5.0, 10.0, 3)


def test_a_file_is_finished_only_after_its_end_and_its_last_score() -> None:
    batcher = Batcher(MeanScorer(), 2)
    batcher.add(1, window(0.5))
    batcher.flush()
    assert not batcher.take_finished()
    batcher.add(1, window(0.6))
    batcher.end(1)
    assert not batcher.take_finished()
    batcher.flush()
    assert [clip.task for clip in batcher.take_finished()] == [1]
    assert not batcher.take_finished()


def test_a_refused_window_fails_its_own_file_only() -> None:
    batcher = Batcher(MeanScorer(), 8)
    for task, value in ((1, 0.5), (2, -1.0), (3, 0.7)):
        batcher.add(task, window(value))
        batcher.end(task)
    batcher.flush()
    clips = finished(batcher)
    assert isinstance(clips[1], ClipScores)
    assert isinstance(clips[3], ClipScores)
    assert isinstance(clips[2], ClipError)
    assert clips[2].error.code == "invalid_input"


def test_a_batch_too_large_for_the_device_is_halved_and_nothing_is_lost() -> None:
    scorer = MeanScorer(memory=3)
    batcher = Batcher(scorer, 16)
    for index in range(16):
        batcher.add(1, window(index / 100, start=float(index)))
    batcher.end(1)
    batcher.flush()
    clip = finished(batcher)[1]
    assert isinstance(clip, ClipScores)
    assert clip.windows == 16
    assert max(scorer.batches[-3:]) <= 3
    assert clip.starts[0] == 15.0


def test_one_window_that_does_not_fit_fails_its_file() -> None:
    batcher = Batcher(MeanScorer(memory=0), 4)
    batcher.add(1, window(0.5))
    batcher.end(1)
    batcher.flush()
    clip = finished(batcher)[1]
    assert isinstance(clip, ClipError)
    assert clip.error.code == "out_of_device_memory"


def test_a_dropped_file_leaves_the_others_alone() -> None:
    batcher = Batcher(MeanScorer(), 8)
    batcher.add(1, window(0.5))
    batcher.add(2, window(0.6))
    batcher.drop(1)
    batcher.end(2)
    batcher.flush()
    assert list(finished(batcher)) == [2]


@given(
    order=st.lists(st.integers(0, 5), min_size=1, max_size=60),
    batch=st.integers(1, 9),
    memory=st.integers(1, 9),
)
def test_no_arrangement_of_windows_changes_what_a_file_scores(
    order: list[int], batch: int, memory: int
) -> None:
    batcher = Batcher(MeanScorer(memory), batch)
    expected: dict[int, list[float]] = {}
    for index, task in enumerate(order):
        value = (index % 17) / 20
        expected.setdefault(task, []).append(value)
        batcher.add(task, window(value, start=float(index)))
        if batcher.full:
            batcher.flush()
    for task in expected:
        batcher.end(task)
    batcher.flush()
    clips = finished(batcher)
    assert set(clips) == set(expected)
    for task, values in expected.items():
        clip = clips[task]
        assert isinstance(clip, ClipScores)
        assert clip.windows == len(values)
        assert clip.scores[0] == pytest.approx(max(values), abs=1e-6)
