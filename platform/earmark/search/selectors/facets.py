"""How found files are spread over libraries, tags, categories and the like.

Counted in a sample: the first `SAMPLE` of the files that fit in the order of the index, which is a
fair shuffle. Up to so many files the counts are exact; above that they are of the sample, and say
so.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TypeAlias

from django.db.models import Count

from earmark.search.backends import search_backend
from earmark.search.keys import SLICES
from earmark.search.selectors.pages import Request, Total
from earmark.search.selectors.searching import Search
from earmark.tagging.knowledge import load_ucs
from earmark.tagging.models import Tag

SAMPLE = 500

_Row: TypeAlias = tuple[str | int | None, ...]

_COLUMNS = {
    "libraries": "library_id",
    "catids": "catid",
    "containers": "container",
    "channels": "channels",
    "sample_rates": "sample_rate",
    "states": "state",
}
FACETS = ("libraries", "tags", "categories", *list(_COLUMNS)[1:])


@dataclass(frozen=True)
class Facets:
    """Counts of files.

    Attributes
    ----------
    sampled : int
        Files that were counted.
    exact : bool
        Whether these are all that fit.
    counts : mapping of str to list of (value, int)
        By facet, the most frequent values first.
    """

    sampled: int
    exact: bool
    counts: dict[str, list[tuple[str | int, int]]]


def count_facets(
    request: Request, *, facets: Iterable[str], limit: int = 20, total: Total | None = None
) -> Facets:
    """Count the files that fit by each of some facets, the `limit` most frequent values of each.

    Who knows the `total` already spares the search for the other of few and many files.
    """
    search = Search(request)
    with search.backend.steady_plans():
        sample, exact = _sample(search, total)
        counts = {}
        for facet in facets:
            if facet == "tags":
                counts[facet] = _count_tags([int(row[0] or 0) for row in sample], limit)
            else:
                counts[facet] = _most_frequent(_values(facet, sample), limit)
    return Facets(len(sample), exact, counts)


def _sample(search: Search, total: Total | None) -> tuple[list[_Row], bool]:
    """Return what fits if that is not too much, else so many of it; and whether it is all."""
    columns = ("file_id", *_COLUMNS.values())
    first: list[_Row] = []
    if total is None or total.value > SAMPLE:
        first = list(search.in_slice(0).order_by("place").values_list(*columns)[: SAMPLE + 1])
        if len(first) > SAMPLE:
            return first[:SAMPLE], False
    if total is None or total.value <= SAMPLE:
        every = list(search.matching().values_list(*columns)[: SAMPLE + 1])
        if len(every) <= SAMPLE:
            return every, True
    if len(first) >= SAMPLE // 2:
        return first, False
    # There are more than SAMPLE in all, so this is about as many as are wanted.
    slices = SAMPLE // len(first) + 1 if first else SLICES
    return _in_slices(search, columns, slices), False


def _in_slices(search: Search, columns: Sequence[str], slices: int) -> list[_Row]:
    documents = search.matching(slices=range(min(slices, SLICES))).order_by("place")
    return list(documents.values_list(*columns)[:SAMPLE])


def _values(facet: str, sample: list[_Row]) -> Counter[str | int]:
    at = 1 + list(_COLUMNS).index("catids" if facet == "categories" else facet)
    found = Counter(value for row in sample if (value := row[at]) is not None and value != "")
    if facet != "categories":
        return found
    ucs = load_ucs()
    categories: Counter[str | int] = Counter()
    for catid, number in found.items():
        if catid in ucs:
            categories[ucs[str(catid)].category] += number
    return categories


def _most_frequent(counts: Counter[str | int], limit: int) -> list[tuple[str | int, int]]:
    return sorted(counts.items(), key=lambda entry: (-entry[1], str(entry[0])))[:limit]


def _count_tags(file_ids: list[int], limit: int) -> list[tuple[str | int, int]]:
    tags = Tag.objects.accepted().filter(search_backend().is_one_of("file", file_ids)).order_by()
    rows = tags.values_list("name").annotate(files=Count("pk")).order_by("-files", "name")
    return [(name, files) for name, files in rows[:limit]]
