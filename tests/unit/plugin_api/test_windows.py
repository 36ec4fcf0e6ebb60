"""Cutting clips into windows: nothing is lost, streaming changes nothing, memory stays flat."""

from __future__ import annotations

import math
import tracemalloc

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given
from hypothesis import strategies as st

from earmark_plugin_api import ClipWindow, InvalidInputError, Window, WindowCutter, cut_windows

RATE = 100

windows = st.tuples(st.integers(1, 60), st.integers(1, 60)).map(
    lambda pair: Window(seconds=max(pair) / RATE, hop_seconds=min(pair) / RATE)
)


def ramp(length: int) -> npt.NDArray[np.float32]:
    """Samples that name their own position, so that a window shows where it came from."""
    return np.arange(length, dtype=np.float32)


def as_tuples(cut: list[ClipWindow]) -> list[tuple[bytes, float, float]]:
    return [(window.samples.tobytes(), window.start, window.end) for window in cut]


@given(window=windows, length=st.integers(1, 500))
def test_every_sample_lies_in_at_least_one_window(window: Window, length: int) -> None:
    cut = cut_windows(ramp(length), window, RATE)
    heard = {int(sample) for part in cut for sample in part.samples}
    assert heard == set(range(length))


@given(window=windows, length=st.integers(1, 500))
def test_a_window_holds_the_samples_its_times_name(window: Window, length: int) -> None:
    for part in cut_windows(ramp(length), window, RATE):
        begin, end = round(part.start * RATE), round(part.end * RATE)
        assert 0 <= begin < end <= length
        expected = np.resize(ramp(length)[begin:end], window.samples(RATE))
        np.testing.assert_array_equal(part.samples, expected)


@given(window=windows, length=st.integers(1, 500))
def test_windows_start_one_hop_apart_until_the_last(window: Window, length: int) -> None:
    starts = [round(part.start * RATE) for part in cut_windows(ramp(length), window, RATE)]
    steps = np.diff(starts)
    assert (steps[:-1] == window.hop_samples(RATE)).all()
    assert (steps > 0).all() and (steps <= window.hop_samples(RATE)).all()


@given(window=windows, blocks=st.lists(st.integers(0, 90), max_size=20))
def test_streaming_gives_the_windows_of_the_whole_clip(window: Window, blocks: list[int]) -> None:
    clip = ramp(sum(blocks))
    cutter = WindowCutter(window, RATE)
    streamed: list[ClipWindow] = []
    for block in np.split(clip, np.cumsum(blocks)[:-1]) if blocks else []:
        streamed.extend(cutter.push(block))
    streamed.extend(cutter.finish())
    assert as_tuples(streamed) == as_tuples(cut_windows(clip, window, RATE))


@given(window=windows, blocks=st.lists(st.integers(0, 90), min_size=1, max_size=20))
def test_windows_not_asked_for_after_a_push_come_later(window: Window, blocks: list[int]) -> None:
    clip = ramp(sum(blocks))
    cutter = WindowCutter(window, RATE)
    for block in np.split(clip, np.cumsum(blocks)[:-1]):
        cutter.push(block)
    assert as_tuples(list(cutter.finish())) == as_tuples(cut_windows(clip, window, RATE))


def test_an_empty_clip_has_no_windows() -> None:
    assert cut_windows(ramp(0), Window(1.0, 0.5), RATE) == []


def test_a_short_clip_is_repeated_until_the_window_is_full() -> None:
    (window,) = cut_windows(ramp(3), Window(0.07, 0.07), RATE)
    np.testing.assert_array_equal(window.samples, [0, 1, 2, 0, 1, 2, 0])
    assert (window.start, window.end) == (0.0, 0.03)


def test_the_last_window_ends_with_the_clip() -> None:
    cut = cut_windows(ramp(25), Window(0.1, 0.1), RATE)
    assert [(w.start, w.end) for w in cut] == [(0.0, 0.1), (0.1, 0.2), (0.15, 0.25)]


def test_memory_stays_bounded_over_a_long_stream() -> None:
    rate, block = 8_000, np.zeros(8_000 * 5, np.float32)
    cutter = WindowCutter(Window(5.0, 2.5), rate)
    tracemalloc.start()
    try:
        heard = sum(1 for _ in range(720) for _ in cutter.push(block))
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert heard == 1439, "an hour in windows of 5 s every 2.5 s"
    assert peak < 6 * block.nbytes, "an hour of audio would be 720 blocks"


def test_a_cutter_serves_one_clip() -> None:
    cutter = WindowCutter(Window(0.1, 0.1), RATE)
    cutter.push(ramp(3))
    assert len(list(cutter.finish())) == 1
    assert list(cutter.finish()) == []
    with pytest.raises(InvalidInputError, match="new WindowCutter"):
        cutter.push(ramp(3))


@pytest.mark.parametrize(
    "block", [np.zeros(4), np.zeros((4, 2), np.float32), np.zeros(4, np.int16)]
)
def test_blocks_of_the_wrong_kind_are_refused(block: npt.NDArray[np.float32]) -> None:
    with pytest.raises(InvalidInputError, match="mono float32"):
        WindowCutter(Window(1.0, 1.0), RATE).push(block)


@pytest.mark.parametrize(
    ("seconds", "hop"),
    [(0.0, 0.0), (1.0, 0.0), (1.0, 2.0), (-1.0, -2.0), (math.nan, 1.0), (math.inf, 1.0)],
)
def test_a_window_that_leaves_gaps_or_has_no_length_is_refused(seconds: float, hop: float) -> None:
    with pytest.raises(InvalidInputError, match="hop_seconds"):
        Window(seconds, hop)


def test_lengths_in_samples_are_rounded_and_never_zero() -> None:
    window = Window(seconds=0.975, hop_seconds=0.00001)
    assert window.samples(16_000) == 15_600
    assert window.hop_samples(16_000) == 1
