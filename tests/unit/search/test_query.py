"""What people type, read."""

from __future__ import annotations

import pytest

from earmark.search.query import Query, Term, parse_query
from earmark.search.words import compounds_of, stem, words_of


def test_words_all_count_and_the_last_one_may_go_on() -> None:
    assert parse_query("rain metal") == Query(
        ((Term(("rain",)),), (Term(("metal",), prefix=True),))
    )


def test_short_words_do_not_go_on_as_too_many_begin_with_them() -> None:
    assert parse_query("ra").groups == ((Term(("ra",)),),)


def test_quotation_marks_keep_words_in_order_whether_closed_or_not() -> None:
    wanted = ((Term(("rain", "on", "metal")),),)
    assert parse_query('"rain on metal"').groups == wanted
    assert parse_query('"rain on metal').groups == wanted


def test_a_minus_takes_files_out() -> None:
    query = parse_query('rain -dog -"car horn"')
    assert query.without == (Term(("dog",)), Term(("car", "horn")))
    assert query.groups == ((Term(("rain",)),),)


def test_or_joins_its_two_neighbours() -> None:
    query = parse_query("rain OR hail metal")
    assert query.groups == (
        (Term(("rain",)), Term(("hail",))),
        (Term(("metal",), prefix=True),),
    )


@pytest.mark.parametrize("text", ["OR", "OR rain", "rain OR"])
def test_an_or_without_two_neighbours_is_a_word(text: str) -> None:
    assert "rain" not in text or "rain" in parse_query(text).words
    assert parse_query(text)


def test_words_that_say_nothing_are_left_out_beside_others_only() -> None:
    assert parse_query("rain on metal").words == ["rain", "metal"]
    assert parse_query("on").words == ["on"]


def test_what_is_written_as_one_word_is_looked_for_in_order() -> None:
    assert parse_query("high-pitched x").groups[0] == (Term(("high", "pitched")),)


@pytest.mark.parametrize("text", ["", " ", "-", '"', '""', "***", "'; DROP TABLE", "a:b & !c"])
def test_no_query_is_wrong(text: str) -> None:
    assert all(word.isalnum() for word in parse_query(text).words)


def test_names_are_taken_apart() -> None:
    assert words_of("DOORWood_Creak-HighPitched_02.x") == (
        *("door", "wood", "creak", "high", "pitched", "02", "x"),
    )
    assert compounds_of("DOORWood_Creak Rain01") == ["doorwood", "rain01"]


def test_case_and_diacritics_do_not_matter() -> None:
    assert words_of("ÉCLAIR Grüße") == words_of("eclair grusse") == ("eclair", "grusse")


def test_characters_without_spaces_between_are_words_of_their_own() -> None:
    assert words_of("雷雨 01") == ("雷", "雨", "01")


@pytest.mark.parametrize(
    ("word", "singular"),
    [
        *(("footsteps", "footstep"), ("splashes", "splash"), ("boxes", "box"), ("birds", "bird")),
        *(
            ("cries", "cry"),
            ("glass", "glass"),
            ("bus", "bus"),
            ("horses", "horse"),
            ("gas", "gas"),
        ),
    ],
)
def test_english_plurals_are_taken_for_singulars(word: str, singular: str) -> None:
    assert stem(word) == singular
