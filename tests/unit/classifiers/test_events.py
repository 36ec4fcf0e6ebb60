"""Window scores to events, and events to the files of other programs."""

from __future__ import annotations

import csv
import io
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from earmark_classifiers.detector import (
    Event,
    EventRules,
    audacity_labels,
    find_events,
    raven_table,
)
from earmark_classifiers.detector.threshold import choose_threshold, window_figures

RULES = EventRules(threshold=0.5, release=0.3)


def windows_over(sounds: list[tuple[float, float]], seconds: float = 60.0) -> list[np.ndarray]:
    """Starts, ends and scores of 3 s windows every second: 0.9 where one touches a sound."""
    starts = np.arange(0, seconds - 2)
    scores = np.full(len(starts), 0.1)
    for begin, end in sounds:
        scores[(starts < end) & (starts + 3 > begin)] = 0.9
    return [starts, starts + 3, scores]


@pytest.mark.parametrize("begin", [5.0, 20.3, 41.7])
@pytest.mark.parametrize("length", [0.2, 1.0, 7.4])
def test_an_event_holds_its_sound_to_the_second(begin: float, length: float) -> None:
    (event,) = find_events(*windows_over([(begin, begin + length)]), RULES)
    assert event.start <= begin + 1e-9
    assert event.end >= begin + length - 1e-9
    assert event.start > begin - 1
    assert event.end < begin + length + 1


def test_two_sounds_are_two_events_and_near_ones_are_one() -> None:
    far = find_events(*windows_over([(5, 6), (20, 21)]), RULES)
    assert [(event.start, event.end) for event in far] == [(5, 6), (20, 21)]
    near = find_events(*windows_over([(5, 6), (7, 8)]), RULES)
    assert [(event.start, event.end) for event in near] == [(5, 8)]


def test_the_gap_that_is_bridged_can_be_chosen() -> None:
    rules = EventRules(threshold=0.5, release=0.3, max_gap=20)
    (event,) = find_events(*windows_over([(5, 6), (20, 21)]), rules)
    assert (event.start, event.end) == (5, 21)


def test_an_event_goes_on_through_unsure_windows_but_does_not_begin_with_one() -> None:
    starts = np.arange(10.0)
    scores = np.array([0.1, 0.4, 0.9, 0.4, 0.9, 0.1, 0.4, 0.4, 0.1, 0.1])
    (event,) = find_events(starts, starts + 1, scores, RULES)
    assert (event.start, event.end, event.score) == (1, 5, 0.9)


def test_short_events_are_dropped_on_request() -> None:
    windows = windows_over([(5, 6), (20, 26)])
    rules = EventRules(threshold=0.5, release=0.3, min_seconds=2.0)
    (event,) = find_events(*windows, rules)
    assert (event.start, event.end) == (20, 26)


def test_sounds_at_both_ends_of_a_recording_are_kept() -> None:
    first, last = find_events(*windows_over([(0, 0.5), (59.5, 60)]), RULES)
    assert first.start == 0
    assert last.end == 60


def test_a_lone_window_between_overlapping_ones_keeps_its_middle() -> None:
    starts = np.arange(5.0)
    scores = np.array([0.1, 0.1, 0.9, 0.1, 0.1])
    (event,) = find_events(starts, starts + 3, scores, RULES)
    assert (event.start, event.end) == (3, 4)


def test_a_recording_of_one_window_or_none_is_no_special_case() -> None:
    one = np.array([0.0])
    assert find_events(one, one + 3, np.array([0.8]), RULES) == [Event(0, 3, 0.8)]
    nothing = np.zeros(0)
    assert find_events(nothing, nothing, nothing, RULES) == []


@settings(deadline=None, max_examples=50)
@given(
    st.lists(st.floats(0, 1), max_size=40),
    st.floats(0.05, 1),
    st.floats(0.1, 1),
    st.floats(0, 5),
)
def test_events_are_in_order_apart_and_inside_the_recording(
    scores: list[float], threshold: float, share: float, gap: float
) -> None:
    starts = np.arange(len(scores), dtype=float)
    rules = EventRules(threshold=threshold, release=threshold * share, max_gap=gap)
    events = find_events(starts, starts + 3, np.array(scores), rules)
    for event in events:
        assert 0 <= event.start < event.end <= len(scores) + 2
        assert event.score >= threshold
    for before, after in pairwise(events):
        assert after.start - before.end > gap
    assert bool(events) == any(score >= threshold for score in scores)


@pytest.mark.parametrize(
    "values",
    [
        {"threshold": 0.5, "release": 0.6},
        {"threshold": 0.0, "release": 0.0},
        {"threshold": 1.1, "release": 0.5},
        {"threshold": 0.5, "release": 0.5, "max_gap": -1},
    ],
)
def test_rules_that_make_no_sense_are_refused(values: dict[str, float]) -> None:
    with pytest.raises(ValueError, match="events"):
        EventRules(**values)


EVENTS = [Event(1.5, 3.25, 0.87), Event(3600.125, 3601.0, 0.5)]


def test_audacity_gets_start_end_and_label_by_tabs() -> None:
    lines = audacity_labels(EVENTS, "robin\tcall").splitlines()
    assert lines == [
        "1.500000\t3.250000\trobin call 0.87",
        "3600.125000\t3601.000000\trobin call 0.50",
    ]


def test_raven_gets_the_columns_it_needs() -> None:
    rows = list(csv.DictReader(io.StringIO(raven_table(EVENTS, "robin", 8000)), delimiter="\t"))
    assert [row["Selection"] for row in rows] == ["1", "2"]
    assert rows[1]["Begin Time (s)"] == "3600.125000"
    assert rows[1]["End Time (s)"] == "3601.000000"
    assert (rows[0]["View"], rows[0]["Channel"]) == ("Spectrogram 1", "1")
    assert (rows[0]["Low Freq (Hz)"], rows[0]["High Freq (Hz)"]) == ("0.0", "8000.0")
    assert rows[0]["Species"] == "robin"


def test_tables_without_events_have_a_head_or_nothing() -> None:
    assert audacity_labels([], "robin") == ""
    assert raven_table([], "robin", 8000).count("\n") == 1


def test_the_threshold_lies_between_sound_and_background() -> None:
    scores = np.array([0.9, 0.8, 0.7, 0.3, 0.2, 0.1], np.float32)
    truth = np.array([True, True, True, False, False, False])
    assert choose_threshold(scores, truth) == pytest.approx(0.5)
    figures = window_figures(scores, truth, 0.5)
    assert (figures["recall"], figures["false_alarms"], figures["accuracy"]) == (1, 0, 1)


def test_the_rarer_the_sound_the_higher_the_threshold() -> None:
    rng = np.random.default_rng(0)
    truth = np.arange(4000) < 2000
    decisions = rng.normal(np.where(truth, 1.0, -1.0), 1).astype(np.float32)
    common, rare = (choose_threshold(decisions, truth, rarity) for rarity in (1, 100))
    assert common < rare
