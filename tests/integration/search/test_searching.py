"""Files are found by words and filters, in order, a page at a time."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from earmark.library.models import AudioFile, Library
from earmark.search.errors import InvalidSearchError
from earmark.search.keys import SLICES
from earmark.search.selectors import (
    Filters,
    Request,
    Sort,
    TagFilter,
    count_facets,
    load_files,
    search_files,
    searching,
)
from tests.factories import LibraryFactory

pytestmark = pytest.mark.django_db

Add = Callable[..., AudioFile]


def names(text: str = "", **filters: Any) -> list[str]:
    page = search_files(Request(text, Filters(**filters)))
    return [one.name for one in load_files([hit.file_id for hit in page.hits])]


def walk(request: dict[str, Any]) -> list[int]:
    """Return the files of all pages."""
    found: list[int] = []
    cursor = ""
    while True:
        page = search_files(Request(**request, cursor=cursor, page_size=3))
        found += [hit.file_id for hit in page.hits]
        cursor = page.next
        if not cursor:
            return found


@pytest.fixture
def sounds(add: Add, indexed: Callable[[], None]) -> None:
    add("Ambience/Rain on Tin.wav", ("Rain", 0.9), words=["Water"], duration=10.0, catid="RAINMetl")
    add("Ambience/Roof.wav", ("Rain", 0.6), ("Metal", 0.5), words=["Water"], duration=20.0)
    add("Rain Pack/Kettle.wav", ("Boiling", 0.8), words=["Water"], duration=5.0, container="flac")
    add("Dogs/Big Dog_bark 03.wav", ("Bark", 0.7), ("Woof", 0.7, "synonym"), words=["Dog"])
    add("Dogs/Terrier.wav", ("Bark", 0.4), words=["Dog", "Animal"], channels=1)
    indexed()


@pytest.mark.usefixtures("sounds")
@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("rain", ["Rain on Tin.wav", "Roof.wav", "Kettle.wav"]),
        ("RAINS", ["Rain on Tin.wav", "Roof.wav", "Kettle.wav"]),
        ("rain on tin", ["Rain on Tin.wav"]),
        ("rain met", ["Rain on Tin.wav", "Roof.wav"]),
        ('"big dog"', ["Big Dog_bark 03.wav"]),
        ('"dog big"', []),
        ("bigdog", []),
        ("water -rain", []),
        ("water -roof -kettle", ["Rain on Tin.wav"]),
        ("woof OR boiling", ["Kettle.wav", "Big Dog_bark 03.wav"]),
        ("-rain -dog", []),
        ("rainmetl", ["Rain on Tin.wav"]),
        ("nothing", []),
    ],
)
def test_words_find_files(text: str, found: list[str]) -> None:
    assert sorted(names(text)) == sorted(found)


@pytest.mark.usefixtures("sounds")
def test_a_word_in_the_name_comes_before_one_in_tags_before_one_of_an_ancestor() -> None:
    assert names("dog") == ["Big Dog_bark 03.wav", "Terrier.wav"]
    assert names("bark")[0] == "Big Dog_bark 03.wav"


def test_fields_weigh_in_the_order_name_tag_synonym_ancestor_folder(
    add: Add, indexed: Callable[[], None]
) -> None:
    add("x/e-folder/thunder/a.wav")
    add("x/b.wav", words=["Thunder"])
    add("x/c.wav", ("Thunder", 0.9, "synonym"))
    add("x/d.wav", ("Thunder", 0.9))
    add("x/thunder.wav")
    indexed()
    assert names("thunder") == ["thunder.wav", "d.wav", "c.wav", "b.wav", "a.wav"]


@pytest.mark.usefixtures("sounds")
@pytest.mark.parametrize(
    ("filters", "found"),
    [
        ({"folder": "Dogs"}, {"Big Dog_bark 03.wav", "Terrier.wav"}),
        ({"folder": "Dog"}, set()),
        ({"tags": (TagFilter("rain"),)}, {"Rain on Tin.wav", "Roof.wav"}),
        ({"tags": (TagFilter("Rain", 0.8),)}, {"Rain on Tin.wav"}),
        ({"tags": (TagFilter("Rain"), TagFilter("Metal"))}, {"Roof.wav"}),
        ({"categories": ("rain",)}, {"Rain on Tin.wav"}),
        ({"catids": ("RAINMetl",)}, {"Rain on Tin.wav"}),
        ({"duration_min": 10}, {"Rain on Tin.wav", "Roof.wav"}),
        ({"duration_max": 9}, {"Kettle.wav"}),
        ({"channels": (1,)}, {"Terrier.wav"}),
        ({"containers": ("flac", "aiff")}, {"Kettle.wav"}),
        ({"states": ("missing",)}, set()),
        ({"models": ("audioset",), "channels": (1,)}, {"Terrier.wav"}),
        ({"models": ("audioset@1.0.0",)}, set()),
        ({"visible": []}, set()),
    ],
)
def test_filters_narrow_what_is_found(filters: dict[str, Any], found: set[str]) -> None:
    assert set(names(**filters)) == found


@pytest.mark.usefixtures("sounds")
def test_words_and_filters_go_together() -> None:
    assert names("water", folder="Ambience", duration_min=15) == ["Roof.wav"]


def test_files_that_are_gone_are_found_only_by_who_asks_for_them(
    add: Add, indexed: Callable[[], None]
) -> None:
    add("Rain.wav", state="missing")
    indexed()
    assert names("rain") == []
    assert names("rain", states=("missing",)) == ["Rain.wav"]


def test_libraries_that_may_not_be_seen_are_not_searched(
    add: Add, library: Library, indexed: Callable[[], None]
) -> None:
    other = LibraryFactory()
    add("Rain A.wav", ("Rain", 0.9))
    add("Rain B.wav", ("Rain", 0.9), into=other)
    indexed()
    assert names("rain", visible=[other.pk]) == ["Rain B.wav"]
    assert names("rain", visible=[other.pk], libraries=(library.pk,)) == []
    assert names(visible=[library.pk], folder="") == ["Rain A.wav"]


@pytest.mark.parametrize("ranked", [2, 1000])
@pytest.mark.parametrize("sort", list(Sort))
def test_pages_hold_every_file_once_in_one_order(
    sort: Sort,
    ranked: int,
    add: Add,
    indexed: Callable[[], None],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(searching, "RANKED", ranked)
    monkeypatch.setattr(searching, "LARGE", 2 * ranked // SLICES)
    files = {}
    for n in range(11):
        where = f"Rain {n % 3}" if n % 2 else f"Roof {n % 3}"
        file = add(
            f"{n}/{where}.wav",
            ("Rain", 0.1 * (n % 4)),
            duration=float(n % 3),
            mtime_ns=n % 5,
        )
        files[file.pk] = file
    indexed()
    filters = Filters(tags=(TagFilter("Rain"),))
    request = {"text": "rain", "filters": filters, "sort": sort}
    found = walk(request)
    assert sorted(found) == sorted(files)
    values: list[Any] = [
        {
            "name": files[pk].path.rpartition("/")[2].lower(),
            "duration": files[pk].duration,
            "date": files[pk].mtime_ns,
            "confidence": 0.1 * ((pk - min(files)) % 4),
            "relevance": not files[pk].path.rpartition("/")[2].startswith("Rain"),
        }[sort.lstrip("-")]
        for pk in found
    ]
    assert values == sorted(values, reverse=sort.startswith("-"))


@pytest.mark.parametrize(
    "text", ["rain", "rain roo", "roof OR tin", '"rain on tin"', "water -kettle", "nothing"]
)
def test_few_files_ranked_at_once_come_as_tier_by_tier(
    text: str, add: Add, indexed: Callable[[], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    for n in range(3):
        add(f"{n}/Rain on Tin Roof.wav", ("Rain", 0.9), words=["Water"])
        add(f"Rain/Roof {n}.wav", ("Tin", 0.5), words=["Water"])
        add(f"Roof/{n}.wav", ("Rain", 0.9), words=["Kettle"])
        add(f"Tin/Roof Kettle {n}.wav", words=["Rain", "Water"])
    indexed()
    for size in (3, 50):
        at_once = search_files(Request(text, page_size=size))
        with monkeypatch.context() as patched:
            patched.setattr(searching, "FEW", -1)
            assert search_files(Request(text, page_size=size)) == at_once
    assert bool(at_once.hits) == (text != "nothing")


def test_tags_that_people_set_are_sure_and_come_first(
    add: Add, indexed: Callable[[], None]
) -> None:
    heard = [add(f"{n}.wav", ("Rain", 0.1 * n)).pk for n in range(4)]
    said = [add(f"said {n}.wav", ("Rain", None)).pk for n in range(4)]
    indexed()
    filters = Filters(tags=(TagFilter("Rain"),))
    assert walk({"filters": filters, "sort": Sort.CONFIDENCE_DOWN}) == said + heard[::-1]
    filters = Filters(tags=(TagFilter("Rain", 0.25),))
    assert sorted(walk({"filters": filters, "sort": Sort.NAME})) == sorted([*said, heard[3]])


def test_a_file_that_comes_in_between_pages_does_not_shift_the_next_one(
    add: Add, indexed: Callable[[], None]
) -> None:
    files = [add(f"{letter}.wav") for letter in "bdfh"]
    indexed()
    first = search_files(Request(sort=Sort.NAME, page_size=2))
    add("a.wav")
    indexed()
    second = search_files(Request(sort=Sort.NAME, page_size=2, cursor=first.next))
    assert [hit.file_id for hit in second.hits] == [files[2].pk, files[3].pk]


@pytest.mark.parametrize("cursor", ["x", "W10", "bnVsbA", "WyJuYW1lIiwxLDEsMCxmYWxzZV0", "é"])
def test_what_is_no_cursor_is_refused(cursor: str, db: None) -> None:
    with pytest.raises(InvalidSearchError):
        search_files(Request(sort=Sort.DURATION, cursor=cursor))


def test_relevance_needs_words_and_confidence_a_tag(db: None) -> None:
    for sort in (Sort.RELEVANCE, Sort.CONFIDENCE_DOWN):
        with pytest.raises(InvalidSearchError):
            search_files(Request(sort=sort))


@pytest.mark.usefixtures("sounds")
def test_facets_count_what_fits() -> None:
    facets = count_facets(
        Request("water"), facets=["libraries", "tags", "categories", "containers", "channels"]
    )
    assert (facets.sampled, facets.exact) == (3, True)
    assert facets.counts["tags"] == [("Rain", 2), ("Boiling", 1), ("Metal", 1)]
    assert facets.counts["containers"] == [("wav", 2), ("flac", 1)]
    assert facets.counts["categories"] == [("RAIN", 1)]


@pytest.mark.usefixtures("sounds")
def test_large_results_are_counted_up_to_a_limit_and_sampled_for_facets(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    from earmark.search.selectors import facets as counting

    monkeypatch.setattr(searching, "COUNTED", 2)
    monkeypatch.setattr(counting, "SAMPLE", 2)
    total = search_files(Request("water")).total
    assert total is not None and (total.value, total.exact) == (2, False)
    facets = count_facets(Request("water"), facets=["containers"])
    assert 1 <= facets.sampled <= 2 and not facets.exact
    assert facets.counts["containers"]


@pytest.mark.parametrize("sampled", [2, 3])
@pytest.mark.usefixtures("sounds")
def test_facets_of_a_known_total_are_the_same(
    sampled: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    from earmark.search.selectors import facets as counting

    monkeypatch.setattr(counting, "SAMPLE", sampled)
    request, wanted = Request("water"), ["tags", "containers"]
    total = search_files(request).total
    assert total is not None and total.value == 3
    told = count_facets(request, facets=wanted, total=total)
    assert told == count_facets(request, facets=wanted)
    assert 1 <= told.sampled <= sampled and told.exact == (sampled == 3)


def test_an_index_that_is_behind_says_so(add: Add, indexed: Callable[[], None]) -> None:
    add("Rain.wav")
    assert not search_files(Request("rain")).complete
    indexed()
    assert search_files(Request("rain")).complete
