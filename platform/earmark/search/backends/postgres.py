"""PostgreSQL: a ``tsvector`` for each document under one GIN index.

A word of the name stands in it three times: as it is, as one that is in name or tags (``+``) and
as one of the name (``=``). So a tier is looked up in the index alone; asking for a weight
(``rain:A``) would mean to read every file that has the word anywhere. Keys begin with a colon.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from django.db import connection, transaction
from django.db.models import BooleanField, F, FloatField, Func, Q, QuerySet, Value

from earmark.search import keys
from earmark.search.backends.base import Nearby, Tier, Wanted
from earmark.search.backends.comparing import SUGGESTIONS, compare_words
from earmark.search.backends.rows import COLUMNS, row_of
from earmark.search.documents import Document
from earmark.search.models import SearchDocument
from earmark.search.query import Query, Term
from earmark.search.spelling import THRESHOLD
from earmark.tagging.services.bulk import insert_rows

_MARKS = {Tier.NAME: "=", Tier.OWN: "+", Tier.ANY: ""}
_WEIGHT_OF = {"name": "A", "tags": "B", "synonyms": "C", "ancestors": "D", "folders": "D"}
_WEIGHTS = "{{0.05, 0.2, 0.5, 1.0}}"
"""Of D, C, B and A, as ts_rank takes them."""

_GAP = 2
"""Between phrases, so that none is found across two of them."""

_LAST_POSITION = 16_000


_STEADY = (
    "SET LOCAL enable_seqscan = off; SET LOCAL jit = off; "
    "SET LOCAL max_parallel_workers_per_gather = 0; SET LOCAL work_mem = '64MB'"
)


class _OfVector(Func):
    """Something about the vector in the row of a place: it is no field, as SQLite has none."""

    form = ""

    def as_sql(
        self, compiler: Any, connection: Any, *_: Any, **more: Any
    ) -> tuple[str, tuple[str | int, ...]]:
        place, wanted = self.get_source_expressions()
        column, _params = compiler.compile(place)
        sql, params = compiler.compile(wanted)
        table = column.rpartition(".")[0]
        return self.form.format(vector=f"{table}.vector", wanted=sql), tuple(params)


class _Matches(_OfVector):
    form = "{vector} @@ {wanted}::tsquery"


class _Rank(_OfVector):
    form = f"ts_rank('{_WEIGHTS}', {{vector}}, {{wanted}}::tsquery)"


class PostgresBackend:
    """See `earmark.search.backends.base.SearchBackend`."""

    has_first_slice = True

    def store(self, documents: Sequence[Document]) -> None:
        """Keep documents."""
        rows = ((*row_of(document), _vector(document)) for document in documents)
        insert_rows(SearchDocument, (*COLUMNS, "vector"), rows, replacing="place")

    def remove(self, places: Collection[int]) -> None:
        """Forget documents."""
        SearchDocument.objects.filter(place__in=places).delete()

    def matches(self, wanted: Wanted, tier: Tier | None = None) -> Func:
        """Return the condition on documents."""
        return _Matches(F("place"), Value(_expression(wanted, tier)), output_field=BooleanField())

    def rank(
        self, documents: QuerySet[SearchDocument], query: Query, most: int
    ) -> list[tuple[float, int, int]] | None:
        """Score by the weights of the fields and how near the words are to each other."""
        rank = _Rank(F("place"), Value(_positive(query, "")), output_field=FloatField())
        # Ranked are only those that the inner query found: it ends as soon as there are too many.
        found = documents.annotate(score=rank).values_list("score", "place", "file_id")
        rows = list(found[: most + 1])
        return rows if len(rows) <= most else None

    def rank_all(
        self, documents: QuerySet[SearchDocument], query: Query, most: int
    ) -> dict[Tier, list[tuple[float, int, int]]] | None:
        """Tell the tiers by the same vectors that the scores are made of."""
        rank = _Rank(F("place"), Value(_positive(query, "")), output_field=FloatField())
        in_name, is_own = (
            _Matches(F("place"), Value(_positive(query, _MARKS[tier])), output_field=BooleanField())
            for tier in (Tier.NAME, Tier.OWN)
        )
        found = documents.annotate(score=rank, in_name=in_name, is_own=is_own)
        rows = list(found.values_list("score", "place", "file_id", "in_name", "is_own")[: most + 1])
        if len(rows) > most:
            return None
        tiers: dict[Tier, list[tuple[float, int, int]]] = {tier: [] for tier in Tier}
        for score, place, file_id, named, own in rows:
            tier = Tier.NAME if named else Tier.OWN if own else Tier.ANY
            tiers[tier].append((score, place, file_id))
        return tiers

    def nearby(self, word: str, libraries: Collection[int] | None) -> list[Nearby]:
        """Ask ``pg_trgm``; where that extension is not installed, compare as SQLite does."""
        if not self._has_trigrams():
            return compare_words(word, libraries)
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT text, max(similarity(text, %s)), sum(files)::int FROM search_searchterm "
                "WHERE kind = 'word' AND text %% %s AND similarity(text, %s) >= %s "
                "AND (%s::bigint[] IS NULL OR library_id = ANY(%s::bigint[])) "
                "GROUP BY text ORDER BY 2 DESC, 3 DESC, 1 LIMIT %s",
                [
                    *(word, word, word, THRESHOLD),
                    *([None if libraries is None else list(libraries)] * 2),
                    SUGGESTIONS,
                ],
            )
            return [Nearby(*row) for row in cursor.fetchall()]

    def begins_with(self, prefix: str) -> Q:
        """Return what the index with ``varchar_pattern_ops`` answers."""
        return Q(folded__startswith=prefix)

    def is_one_of(self, column: str, numbers: Collection[int]) -> Func:
        """Ask with one array: hundreds of parameters take milliseconds to write and to read."""
        return Func(
            F(column),
            Value("{" + ",".join(map(str, numbers)) + "}"),
            template="%(expressions)s::bigint[])",
            arg_joiner=" = ANY(",
            output_field=BooleanField(),
        )

    @contextmanager
    def steady_plans(self) -> Iterator[None]:
        """Have the index of words asked first.

        The planner takes words for independent and files for evenly spread: a tier that hardly
        holds anything can look frequent enough to read the table from its beginning. Compiling a
        query of milliseconds takes longer than the query, and helpers for one are lacked by others.
        With the usual memory, what is found of a frequent word is kept by pages, and each row of
        these looked at again.
        """
        with transaction.atomic():
            with connection.cursor() as cursor:
                cursor.execute(_STEADY)
            yield

    @staticmethod
    def _has_trigrams() -> bool:
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1 FROM pg_extension WHERE extname = 'pg_trgm'")
            return cursor.fetchone() is not None


def _vector(document: Document) -> str:
    """Return the text form of a vector; words are letters and digits, so none is escaped."""
    positions: dict[str, list[str]] = {}
    at = 1
    for field in Document.FIELDS:
        weight = _WEIGHT_OF[field]
        # Two places instead of one make a word of D count more than another: there are only four
        # weights, and ancestors come before folders.
        for _ in range(2 if field == "ancestors" else 1):
            for phrase in getattr(document, field):
                for word in phrase:
                    place = f"{min(at, _LAST_POSITION)}{weight}"
                    positions.setdefault(word, []).append(place)
                    if field in ("name", "tags"):
                        positions.setdefault(f"+{word}", []).append(place)
                    if field == "name":
                        positions.setdefault(f"={word}", []).append(place)
                    at += 1
                at += _GAP
    words = (f"'{word}':{','.join(places)}" for word, places in positions.items())
    return " ".join([*words, *(f"':{key}'" for key in document.keys)])


def _expression(wanted: Wanted, tier: Tier | None) -> str:
    query = wanted.query
    parts = [" | ".join(f"':{key}'" for key in group) for group in wanted.keys]
    if query.groups:
        parts.append(_positive(query, _MARKS[tier or Tier.ANY]))
    elif not parts:
        parts.append(f"':{keys.EVERY}'")
    text = " & ".join(f"({part})" for part in parts)
    if tier is not None and tier > Tier.NAME and query.groups:
        text += f" & !({_positive(query, _MARKS[Tier(tier - 1)])})"
    return text + "".join(f" & !({_term(term, '')})" for term in query.without)


def _positive(query: Query, mark: str) -> str:
    groups = (" | ".join(_term(term, mark) for term in group) for group in query.groups)
    return " & ".join(f"({group})" for group in groups)


def _term(term: Term, mark: str) -> str:
    words = [f"'{mark}{word}'" for word in term.words]
    if term.prefix:
        words[-1] += ":*"
    return f"({' <-> '.join(words)})"
