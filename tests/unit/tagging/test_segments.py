"""Scores of windows become stretches of sound with a beginning and an end."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from earmark.tagging.knowledge import load_ontology
from earmark.tagging.knowledge.segments import (
    InvalidSegmentRuleError,
    Segment,
    SegmentRule,
    find_segments,
    most_specific_segments,
)
from earmark_plugin_api import Label

ONTOLOGY = load_ontology()
DOG = Label("/m/0bt9lr", "Dog")
RULE = SegmentRule(on=0.5, off=0.25, merge_gap=0.0)


def spans(
    scores: list[float], rule: SegmentRule = RULE, *, hop: float = 1.0, length: float = 1.0
) -> list[tuple[float, float]]:
    return [(s.start, s.end) for s in segments(scores, rule, hop=hop, length=length)]


def segments(
    scores: list[float], rule: SegmentRule = RULE, *, hop: float = 1.0, length: float = 1.0
) -> list[Segment]:
    starts = np.arange(len(scores), dtype=np.float32) * np.float32(hop)
    column = np.array(scores, np.float32)[:, None]
    return find_segments(starts, starts + np.float32(length), column, [DOG], rule)


def label(name: str, start: float, end: float, score: float = 0.9) -> Segment:
    node = ONTOLOGY.find(name)
    assert node is not None, name
    return Segment(node.id, node.name, start, end, score, score)


def test_a_segment_begins_with_the_low_threshold_but_needs_the_high_one():
    assert spans([0.1, 0.3, 0.6, 0.3, 0.1, 0.3, 0.4, 0.1]) == [(1.0, 4.0)]


def test_a_score_that_wavers_about_the_threshold_is_one_segment():
    assert spans([0.51, 0.49, 0.51, 0.49, 0.51]) == [(0.0, 5.0)]


def test_a_gap_is_closed_up_to_the_length_allowed():
    scores = [0.9, 0.0, 0.9, 0.0, 0.0, 0.9]
    assert spans(scores) == [(0.0, 1.0), (2.0, 3.0), (5.0, 6.0)]
    assert spans(scores, SegmentRule(0.5, 0.25, merge_gap=1.0)) == [(0.0, 3.0), (5.0, 6.0)]
    assert spans(scores, SegmentRule(0.5, 0.25, merge_gap=2.0)) == [(0.0, 6.0)]


def test_short_segments_are_left_out_unless_they_are_the_whole_clip():
    rule = SegmentRule(0.5, 0.25, merge_gap=0.0, min_length=1.5)
    assert spans([0.9, 0.0, 0.9, 0.9], rule) == [(2.0, 4.0)]
    assert spans([0.9], rule, length=0.2) == [(0.0, pytest.approx(0.2))]


def test_overlapping_windows_say_where_a_sound_may_lie():
    assert spans([0.0, 0.9, 0.0], hop=2.5, length=5.0) == [(2.5, 7.5)]


def test_the_last_window_may_reach_back_into_its_predecessor():
    starts = np.array([0, 5, 7], np.float32)
    found = find_segments(
        starts, starts + 5, np.array([[0.0], [0.8], [0.6]], np.float32), [DOG], RULE
    )
    assert [(s.start, s.end) for s in found] == [(5.0, 12.0)]
    assert found[0].score == pytest.approx(0.8)
    assert found[0].mean == pytest.approx((5 * 0.8 + 2 * 0.6) / 7)


def test_a_window_within_another_and_time_no_window_holds_are_understood():
    starts, ends = np.array([0, 1, 9], np.float32), np.array([6, 2, 10], np.float32)
    scores = np.array([[0.6], [0.9], [0.7]], np.float32)
    found = find_segments(starts, ends, scores, [DOG], RULE)
    assert [(s.start, s.end) for s in found] == [(0.0, 6.0), (9.0, 10.0)]


def test_nothing_heard_and_no_windows_at_all_give_no_segments():
    assert segments([0.0, 0.4]) == []
    assert segments([]) == []


def test_shapes_that_do_not_fit_are_refused():
    with pytest.raises(ValueError, match="do not fit"):
        find_segments(np.zeros(2), np.ones(2), np.zeros((3, 1)), [DOG])


@given(
    st.lists(st.floats(0, 1, width=32), min_size=1, max_size=30),
    st.floats(0.1, 1.0),
    st.floats(0.01, 1.0),
    st.floats(0, 3),
    st.sampled_from([(1.0, 1.0), (0.5, 1.0), (2.5, 5.0)]),
)
def test_segments_hold_every_sure_window_are_apart_and_tell_real_scores(
    scores: list[float], on: float, share: float, gap: float, window: tuple[float, float]
):
    hop, length = window
    rule = SegmentRule(on=on, off=on * share, merge_gap=gap)
    found = segments(scores, rule, hop=hop, length=length)
    for at, score in enumerate(np.array(scores, np.float32)):
        start, end = at * hop, at * hop + length
        if score >= on:
            assert any(s.start <= start and end <= s.end and s.score >= score for s in found)
    for earlier, later in pairwise(found):
        assert later.start - earlier.end > gap
    for segment in found:
        assert np.float32(segment.score) in np.array(scores, np.float32)
        assert segment.mean <= segment.score + 1e-6
        assert segment.score >= np.float32(on)


def test_a_label_goes_where_one_below_it_is_heard_and_stays_where_it_is_alone():
    bark, dog = label("Bark", 0, 5), label("Dog", 0, 6)
    animal = label("Animal", 0, 60)
    assert most_specific_segments([animal, dog, bark]) == [animal, bark]


def test_segments_below_cover_together_but_not_twice():
    dog = label("Dog", 0, 10)
    halves = [label("Bark", 0, 4), label("Yip", 1, 4), label("Howl", 5, 7)]
    assert most_specific_segments([dog, *halves]) == halves
    assert most_specific_segments([dog, *halves[:2]])[0] == dog


def test_what_only_groups_others_and_what_a_person_must_say_is_no_segment():
    listed = [node for node in ONTOLOGY.nodes if node.restrictions]
    given = [Segment(node.id, node.name, 0, 1, 0.9, 0.9) for node in listed]
    assert most_specific_segments(given) == []


@pytest.mark.parametrize(
    "values",
    [{"off": 0.0}, {"on": 0.1, "off": 0.2}, {"on": 1.5}, {"merge_gap": -1.0}, {"min_length": -0.1}],
)
def test_a_rule_that_contradicts_itself_is_refused(values: dict[str, float]):
    with pytest.raises(InvalidSegmentRuleError):
        SegmentRule(**values)
