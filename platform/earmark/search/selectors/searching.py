"""Files that have what is wanted, a page at a time.

By relevance files come in tiers: all words in the name, in name or tags, anywhere. A tier of up to
`RANKED` files is ranked by the database; a larger one comes in the order of the index, which is a
fair shuffle: ranking ten thousand files with "rain" in their name would take long and say little.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import islice

from django.db.models import F, Q, QuerySet, Value
from django.db.models.functions import Concat

from earmark.search.backends import SearchBackend, Tier, Wanted, search_backend
from earmark.search.documents import FIRST_SLICE_END, slice_of
from earmark.search.errors import InvalidSearchError
from earmark.search.keys import SLICES
from earmark.search.models import SearchChange, SearchDocument
from earmark.search.query import Query, parse_query
from earmark.search.selectors.cursors import Cursor, read_cursor
from earmark.search.selectors.filters import of_tag
from earmark.search.selectors.pages import Hit, Page, Request, Sort, Total
from earmark.tagging.models import Tag

RANKED = 1000
"""Files of a tier that are ranked among each other."""

LARGE = 2 * RANKED // SLICES
"""A tier that has more in one slice of the index is larger than `RANKED`, as good as certainly."""

FEW = 200
"""So many files are ranked whatever their tier, in one query: few tiers of them fill a page."""

COUNTED = 1000
"""Files that are counted; above that there are "at least" so many."""

SORTED = 10_000
"""Files that are sorted rather than met along an order, and counted for that."""

_BY_A_PERSON = 2.0
"""Stands in cursors for a tag without a confidence."""

_COLUMNS: dict[str, tuple[str, type]] = {
    "name": ("sort_name", str),
    "duration": ("duration", float),
    "date": ("modified", int),
}


class Search:
    """One request, understood.

    Raises
    ------
    InvalidSearchError
        If the order makes no sense for it.
    """

    def __init__(self, request: Request) -> None:
        self.request = request
        self.query: Query = parse_query(request.text)
        self.counted: int | None = None  # what fits, if that is no more than are ranked
        self.backend: SearchBackend = search_backend()
        self.wanted: Wanted = request.filters.wanted(self.query)
        # Made once: the spellings of a tag are looked up for it.
        self._documents = request.filters.documents().order_by()
        self.sort = request.sort or (Sort.RELEVANCE if self.query.groups else Sort.DATE_DOWN)
        if self.sort is Sort.RELEVANCE and not self.query.groups:
            raise InvalidSearchError(
                "Without words to search for nothing is more relevant.",
                hint="Sort by name, duration or date.",
            )
        if self.sort is Sort.CONFIDENCE_DOWN and not request.filters.tags:
            raise InvalidSearchError(
                "The confidence of which tag is meant?", hint="Filter by a tag as well."
            )

    def matching(
        self, tier: Tier | None = None, slices: Iterable[int] | None = None
    ) -> QuerySet[SearchDocument]:
        """Return the documents that fit, in no order; of one tier, in some slices of the index."""
        documents = self._documents
        wanted = self.wanted if slices is None else self.wanted.within(slices)
        if wanted:
            documents = documents.filter(self.backend.matches(wanted, tier))
        return documents

    def in_slice(self, number: int, tier: Tier | None = None) -> QuerySet[SearchDocument]:
        """Return the documents of one slice that fit, in no order; the first one is cheapest."""
        if number > 0 or not self.backend.has_first_slice:
            return self.matching(tier, [number])
        return self.matching(tier).filter(place__lt=FIRST_SLICE_END)

    def count(self) -> Total:
        """Count what fits, up to a limit; where a slice reaches it, that will do."""
        if self.in_slice(0)[: COUNTED + 1].count() > COUNTED:
            return Total(COUNTED, exact=False)
        tiered = self.sort in (Sort.RELEVANCE, Sort.CONFIDENCE_DOWN)
        rows = self.request.filters.reads_rows or not self.wanted
        most = COUNTED if tiered or rows else SORTED
        number = self.matching()[: most + 1].count()
        self.counted = number if number <= min(most, RANKED) else None
        return Total(min(number, most), exact=number <= most)


def search_files(request: Request) -> Page:
    """Return a page of the files that fit."""
    search = Search(request)
    with search.backend.steady_plans():
        total = None if request.cursor else search.count()
        if search.sort is Sort.RELEVANCE:
            hits = _by_relevance(search)
        elif search.sort is Sort.CONFIDENCE_DOWN:
            hits = _by_confidence(search)
        else:
            hits = _by_column(search, few=total is not None and total.exact)
        found = list(hits)
        complete = is_complete()
    more = len(found) > request.page_size
    found = found[: request.page_size]
    end = _cursor_after(found[-1], search.sort) if more else ""
    return Page(found, end, search.sort, total, complete)


def is_complete() -> bool:
    """Say whether the index knows of all changes."""
    return not SearchChange.objects.exists()


def _cursor_after(hit: Hit, sort: Sort) -> str:
    return Cursor(sort, hit.value, hit.place, hit.tier, hit.ranked).as_text()


def _by_relevance(search: Search) -> Iterator[Hit]:
    """Yield a page and one more."""
    text, left = search.request.cursor, search.request.page_size + 1
    cursor = read_cursor(text, search.sort, float) if text else None
    if search.counted == 0:
        return
    if search.counted is not None and search.counted <= FEW:
        scored = search.backend.rank_all(search.matching(), search.query, RANKED)
        if scored is not None:
            best = (hit for tier in Tier for hit in _best(scored[tier], tier, None, left))
            yield from islice(best, left)
            return
    for tier in Tier:
        if cursor is not None and tier < cursor.tier:
            continue
        after = cursor if cursor is not None and tier == cursor.tier else None
        hits = _of_tier(search, tier, after, left)
        yield from hits
        left -= len(hits)
        if left <= 0:
            return


def _of_tier(search: Search, tier: Tier, after: Cursor | None, limit: int) -> list[Hit]:
    if after is not None and not after.ranked:
        return _in_order(search, tier, after.place, limit)
    if after is None and search.counted is None:
        first = _first_of(search, tier, max(limit, LARGE + 1))
        if len(first) > LARGE:
            rest = limit - len(first)
            more = _in_order(search, tier, FIRST_SLICE_END - 1, rest) if rest > 0 else []
            return [*first[:limit], *more]
    # A tier may have grown since the page before: it stays ranked to its end.
    most = RANKED if after is None else 2 * RANKED
    scored = search.backend.rank(search.matching(tier), search.query, most)
    if scored is None:
        return _in_order(search, tier, -1, limit)
    return _best(scored, tier, after, limit)


def _first_of(search: Search, tier: Tier, limit: int) -> list[Hit]:
    """Return the files of a tier in the first slice of the index, in its order."""
    # What is not in a better tier is guessed too many by a planner, who would then walk along the
    # order: an expression is in no index.
    order = F("place") + 0 if tier > Tier.NAME else F("place")
    documents = search.in_slice(0, tier).order_by(order)
    return [Hit(*row, 0.0, tier) for row in documents.values_list("place", "file_id")[:limit]]


def _in_order(search: Search, tier: Tier, place: int, limit: int) -> list[Hit]:
    """Return the files behind a place, slice by slice: there are some in each."""
    hits: list[Hit] = []
    for number in range(slice_of(max(place + 1, 0)), SLICES):
        documents = search.in_slice(number, tier).filter(place__gt=place).order_by("place")
        rows = documents.values_list("place", "file_id")[: limit - len(hits)]
        hits += [Hit(*row, 0.0, tier) for row in rows]
        if len(hits) >= limit:
            break
    return hits


def _best(
    scored: list[tuple[float, int, int]], tier: Tier, after: Cursor | None, limit: int
) -> list[Hit]:
    ordered = sorted((-score, place, file_id) for score, place, file_id in scored)
    if after is not None:
        assert isinstance(after.value, int | float)
        end = (-float(after.value), after.place)
        ordered = [entry for entry in ordered if entry[:2] > end]
    return [
        Hit(place, file_id, -score, tier, ranked=True) for score, place, file_id in ordered[:limit]
    ]


def _by_column(search: Search, *, few: bool) -> Iterator[Hit]:
    """Yield a page and one more.

    Few files are found by their words and sorted; many by walking along the order. Files that
    belong together are often neighbours in it too, so walking until a few are met can take long.
    """
    down = search.sort.startswith("-")
    column, kind = _COLUMNS[search.sort.lstrip("-")]
    cursor = None
    if search.request.cursor:
        cursor = read_cursor(search.request.cursor, search.sort, kind)
        few = cursor.ranked
    few = few and bool(search.wanted)
    # An expression is in no index, so that there is none to walk along.
    same = Concat(column, Value("")) if kind is str else F(column) + 0
    documents = search.matching().annotate(key=same if few else F(column))
    if cursor is not None:
        value = int(cursor.value) if kind is int else cursor.value
        than = "lt" if down else "gt"
        tied = Q(**{"key": value, f"place__{than}": cursor.place})
        # The first condition alone says where in the index to begin.
        documents = documents.filter(**{f"key__{than}e": value})
        documents = documents.filter(Q(**{f"key__{than}": value}) | tied)
    sign = "-" if down else ""
    rows = documents.order_by(f"{sign}key", f"{sign}place").values_list("place", "file_id", column)
    for place, file_id, value in rows[: search.request.page_size + 1]:
        yield Hit(place, file_id, value, ranked=few)


def _by_confidence(search: Search) -> Iterator[Hit]:
    """Yield a page and one more of the files with a tag: set by people first, then the surest."""
    documents = search.matching()
    tags = of_tag(search.request.filters.tags[0], Tag.objects.all())
    tags = tags.filter(file__in=documents.values("file_id"))
    text, left = search.request.cursor, search.request.page_size + 1
    cursor = read_cursor(text, search.sort, float) if text else None
    if cursor is None or cursor.value == _BY_A_PERSON:
        after = -1 if cursor is None else cursor.place
        sure = tags.filter(confidence__isnull=True, file__gt=after).order_by("file")
        for file_id in sure.values_list("file", flat=True)[:left]:
            left -= 1
            yield Hit(file_id, file_id, _BY_A_PERSON)
        cursor = None
    tags = tags.filter(confidence__isnull=False)
    if cursor is not None:
        same = Q(confidence=cursor.value, file__gt=cursor.place)
        tags = tags.filter(confidence__lte=cursor.value)
        tags = tags.filter(Q(confidence__lt=cursor.value) | same)
    rows = tags.order_by(F("confidence").desc(), "file").values_list("file", "confidence")
    for file_id, confidence in rows[:left] if left > 0 else ():
        yield Hit(file_id, file_id, confidence or 0.0)
