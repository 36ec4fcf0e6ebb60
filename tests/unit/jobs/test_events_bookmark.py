"""Places in the events of several runs, whose numbers do not appear in their order."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from earmark.jobs.api.events_bookmark import Bookmark, BookmarkError

ids = st.integers(0, 10**17)


@given(ids, st.dictionaries(ids, ids, max_size=5))
def test_a_bookmark_comes_back_as_it_went(base: int, runs: dict[int, int]):
    assert Bookmark.parse(str(Bookmark(base, runs))) == Bookmark(base, runs)


@pytest.mark.parametrize("text", ["", "x", "-1", "1,", "1,2", "1,2:", "1 ", "١", "9" * 19, "1\n"])
def test_what_is_no_bookmark_is_refused(text: str):
    with pytest.raises(BookmarkError):
        Bookmark.parse(text)


def test_an_event_that_appears_late_is_still_to_be_read():
    place = Bookmark(100).after(7, 131)

    assert place.last_of(7) == 131
    assert place.last_of(9) == 100  # 120 of run 9 may come after 131 of run 7


def test_what_is_known_up_to_a_number_needs_no_mention():
    place = Bookmark(100, {7: 131, 9: 128}).raised_to(130)

    assert place == Bookmark(130, {7: 131})
    assert place.raised_to(50) == place
