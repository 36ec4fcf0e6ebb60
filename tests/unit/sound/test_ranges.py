"""Which bytes a request wants."""

from __future__ import annotations

import pytest

from earmark.library.sound.errors import RangeNotSatisfiableError
from earmark.library.sound.ranges import counts, parse_range


@pytest.mark.parametrize(
    ("header", "first", "length"),
    [
        ("bytes=0-0", 0, 1),
        ("bytes=0-", 0, 1000),
        ("bytes=990-", 990, 10),
        ("bytes=100-199", 100, 100),
        ("bytes=999-5000", 999, 1),
        ("bytes=-10", 990, 10),
        ("bytes=-5000", 0, 1000),
        (" bytes=1-2 ", 1, 2),
    ],
)
def test_a_range_within_the_file_is_taken(header: str, first: int, length: int):
    found = parse_range(header, 1000)

    assert found is not None
    assert (found.first, found.length) == (first, length)
    assert found.content_range == f"bytes {first}-{first + length - 1}/1000"


@pytest.mark.parametrize("header", ["bytes=1000-", "bytes=1000-2000", "bytes=-0"])
def test_a_range_behind_the_end_cannot_be_had(header: str):
    with pytest.raises(RangeNotSatisfiableError):
        parse_range(header, 1000)


@pytest.mark.parametrize("header", ["bytes=0-", "bytes=-1"])
def test_of_an_empty_file_there_is_no_range(header: str):
    with pytest.raises(RangeNotSatisfiableError):
        parse_range(header, 0)


@pytest.mark.parametrize(
    "header",
    [
        "",
        "bytes",
        "bytes=",
        "bytes=-",
        "bytes=5-2",
        "bytes=a-b",
        "bytes=0-1,5-6",
        "bytes=٠-١",
        "seconds=0-1",
        "bytes=0x1-2",
        f"bytes={'9' * 5000}-",
    ],
)
def test_what_is_no_single_range_means_the_whole_file(header: str):
    assert parse_range(header, 1000) is None


@pytest.mark.parametrize(
    ("header", "expected"),
    [
        (None, True),
        ('"a"', True),
        ('"b"', False),
        ('W/"a"', False),
        ("Fri, 20 Nov 2026 18:00:00 GMT", False),
    ],
)
def test_a_range_counts_for_the_very_file_it_is_of(header: str | None, expected: bool):
    assert counts(header, '"a"') is expected
