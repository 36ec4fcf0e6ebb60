"""Scores are kept in a compact form, and come back as they were."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from earmark.jobs.errors import UnknownLabelError
from earmark.jobs.scores import (
    KEPT_ALWAYS,
    KEPT_AT_MOST,
    KEPT_FROM,
    LabelScore,
    pack_scores,
    unpack_scores,
)
from earmark_plugin_api import Label

LABELS = [Label(f"/m/{n}", f"Label {n}") for n in range(527)]
POSITIONS = {label.id: n for n, label in enumerate(LABELS)}

scores = st.lists(st.floats(0, 1, width=32), min_size=0, max_size=len(LABELS)).map(
    lambda values: [LabelScore(LABELS[n].id, value) for n, value in enumerate(values)]
)


@given(scores)
def test_the_ten_highest_and_all_that_could_matter_are_kept_in_order(given: list[LabelScore]):
    kept = unpack_scores(pack_scores(given, POSITIONS), LABELS)

    ranked = sorted((score.score for score in given), reverse=True)
    wanted = [s for n, s in enumerate(ranked) if n < KEPT_ALWAYS or s >= KEPT_FROM][:KEPT_AT_MOST]
    assert [score.score for score in kept] == pytest.approx(wanted, abs=1e-5)
    by_id = {score.label_id: score.score for score in given}
    assert all(score.score == pytest.approx(by_id[score.label.id], abs=1e-5) for score in kept)


def test_the_seconds_that_speak_for_a_label_are_kept():
    (kept,) = unpack_scores(pack_scores([LabelScore("/m/7", 0.5, 2.5, 7.5)], POSITIONS), LABELS)

    assert (kept.label.name, kept.start, kept.end) == ("Label 7", 2.5, 7.5)


def test_a_label_outside_the_vocabulary_is_refused():
    with pytest.raises(UnknownLabelError, match="/m/none"):
        pack_scores([LabelScore("/m/none", 0.5)], POSITIONS)
