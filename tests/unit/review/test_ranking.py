from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from earmark.review.ranking import LEVELS, Rank

ranks = st.builds(
    Rank,
    urgency=st.integers(0, LEVELS - 1),
    place=st.integers(0, (1 << 16) - 1),
    file_id=st.integers(0, (1 << 36) - 1),
    skips=st.integers(0, 127),
)


@given(ranks, ranks)
def test_numbers_stand_in_the_order_of_what_they_are_made_of(one: Rank, other: Rank):
    def parts(rank: Rank) -> tuple[int, ...]:
        return rank.skips, rank.urgency, rank.place, rank.file_id

    assert (one.number < other.number) == (parts(one) < parts(other))


@given(ranks)
def test_a_number_gives_back_what_it_was_made_of_and_fits_a_database(rank: Rank):
    assert Rank.read(rank.number) == rank
    assert rank.number < 1 << 63


def test_what_is_put_off_comes_last_and_what_is_too_much_stays_in_its_place():
    rank = Rank(urgency=0, place=10**9, file_id=1)

    assert rank.number < Rank(urgency=1, place=0, file_id=1).number
    assert rank.skipped().number > Rank(urgency=LEVELS - 1, place=0, file_id=1).number
    assert rank.skipped().skipped(-1) == rank
    assert rank.skipped(-1) == rank
