"""Window scores are kept small, and come back as they were."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from earmark.jobs.timeline import (
    FLOOR,
    MOST_BYTES,
    Timeline,
    TimelineError,
    pack_timeline,
    unpack_timeline,
)

STEP = 1 / 255
shapes = st.tuples(st.integers(0, 40), st.integers(0, 30))


def regular(windows: int, hop: float = 5.0, length: float = 5.0) -> npt.NDArray[np.float64]:
    starts = np.arange(windows) * hop
    return np.stack([starts, starts + length], axis=1)


def dense(timeline: Timeline, labels: int) -> npt.NDArray[np.float32]:
    full = np.zeros((len(timeline.starts), labels), np.float32)
    full[:, timeline.positions] = timeline.scores
    return full


@given(shapes.flatmap(lambda shape: arrays(np.float32, shape, elements=st.floats(0, 1, width=32))))
def test_scores_from_the_floor_on_come_back_within_half_a_step_and_others_as_zero(
    scores: npt.NDArray[np.float32],
):
    timeline = unpack_timeline(pack_timeline(scores, regular(len(scores))))
    kept = scores >= np.float32(FLOOR)
    assert timeline.positions.tolist() == np.flatnonzero(kept.any(axis=0)).tolist()
    back = dense(timeline, scores.shape[1])
    assert np.abs(back - scores)[kept].max(initial=0.0) <= STEP / 2 + 1e-6
    assert not back[~kept].any()
    assert timeline.floor == pytest.approx(FLOOR)


@given(
    st.lists(st.tuples(st.floats(0, 100_000), st.floats(0, 100)), min_size=0, max_size=50).map(
        lambda pairs: [(start, start + length) for start, length in pairs]
    )
)
def test_times_come_back_to_the_millisecond_even_if_windows_are_irregular(
    times: list[tuple[float, float]],
):
    timeline = unpack_timeline(pack_timeline(np.ones((len(times), 1)), times))
    given_times = np.array(times).reshape(-1, 2)
    back = np.stack([timeline.starts, timeline.ends], axis=1)
    # half a millisecond, and what float32 loses at 100,000 s
    assert np.abs(back - given_times).max(initial=0.0) <= 0.0005 + 0.004


@given(st.floats(0.01, 1.0), st.integers(0, 2**32 - 1))
def test_another_floor_decides_what_is_kept(floor: float, seed: int):
    scores = np.random.default_rng(seed).random((7, 5), np.float32)
    timeline = unpack_timeline(pack_timeline(scores, regular(7), floor=floor))
    assert timeline.positions.tolist() == np.flatnonzero((scores >= floor).any(axis=0)).tolist()


def test_three_hours_of_a_busy_scene_stay_far_below_100_kilobytes():
    """As a tagger scores a city: some labels always, a hundred now and then, noise below."""
    chance = np.random.default_rng(1)
    scores = chance.random((2160, 527), np.float32) * 0.04
    scores[:, :4] = np.clip(0.4 + 0.2 * chance.standard_normal((2160, 4)), 0, 1)
    for label in range(4, 100):
        for begin in chance.integers(0, 2150, 20):
            scores[begin : begin + 5, label] = chance.random(5)
    packed = pack_timeline(scores, regular(2160))
    assert len(packed) < 40_000
    assert unpack_timeline(packed).floor == pytest.approx(FLOOR)


@pytest.mark.parametrize(("windows", "labels"), [(2160, 80), (22_500, 8)])
def test_noise_for_three_hours_is_kept_within_the_limit_from_a_higher_floor_on(
    windows: int, labels: int
):
    scores = np.random.default_rng(2).random((windows, labels), np.float32)
    packed = pack_timeline(scores, regular(windows, hop=0.48, length=0.96))
    timeline = unpack_timeline(packed)
    assert len(packed) <= MOST_BYTES
    assert timeline.floor > FLOOR
    assert timeline.scores[timeline.scores > 0].min() >= timeline.floor - STEP
    assert timeline.scores.max() > 0.99


@pytest.mark.parametrize(
    ("scores", "times"),
    [
        (np.full((2, 3), np.nan), regular(2)),
        (np.full((2, 3), 1.5), regular(2)),
        (np.full((2, 3), -0.1), regular(2)),
        (np.zeros((2, 3)), regular(3)),
        (np.zeros(3), regular(3)),
        (np.zeros((2, 3)), np.full((2, 2), np.inf)),
        (np.zeros((2, 3)), [(-1.0, 0.0), (0.0, 1.0)]),
    ],
    ids=["nan", "above one", "negative", "too many times", "one row", "no end", "before zero"],
)
def test_what_is_no_timeline_is_refused(scores: npt.ArrayLike, times: npt.ArrayLike):
    with pytest.raises(TimelineError):
        pack_timeline(scores, times)


@given(st.data())
def test_bytes_that_were_cut_off_are_refused(data: st.DataObject):
    packed = pack_timeline(np.random.default_rng(3).random((6, 9), np.float32), regular(6))
    assert unpack_timeline(packed).scores.shape[0] == 6
    at = data.draw(st.integers(0, len(packed) - 1))
    with pytest.raises(TimelineError):
        unpack_timeline(packed[:at])


def test_other_bytes_are_no_timeline():
    with pytest.raises(TimelineError):
        unpack_timeline(b"")
    with pytest.raises(TimelineError):
        unpack_timeline(b"RIFF" + bytes(200))
