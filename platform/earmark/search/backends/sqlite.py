"""SQLite: a table of FTS5, one column for each field and one for the keys."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager

from django.db import connection
from django.db.models import BooleanField, F, Func, Q, QuerySet, Value

from earmark.search import keys
from earmark.search.backends.base import Nearby, Tier, Wanted
from earmark.search.backends.comparing import compare_words
from earmark.search.backends.rows import COLUMNS, row_of
from earmark.search.documents import Document
from earmark.search.models import SearchDocument
from earmark.search.query import Query, Term
from earmark.tagging.services.bulk import insert_rows

_BETWEEN = " 0z0z "
"""Stands between phrases, so that none is found across two of them; never a word."""

_WEIGHTS = (10.0, 5.0, 2.0, 1.0, 0.5, 0.0)
_COLUMNS = {Tier.NAME: "name", Tier.OWN: "{name tags}"}
_ALL = "{name tags synonyms ancestors folders}"
_LAST = chr(0x10FFFF)
_AT_ONCE = 500


class SqliteBackend:
    """See `earmark.search.backends.base.SearchBackend`."""

    has_first_slice = False

    def store(self, documents: Sequence[Document]) -> None:
        """Keep documents."""
        insert_rows(SearchDocument, COLUMNS, map(row_of, documents), replacing="place")
        # FTS5 sorts what it gets in memory as long as the numbers grow.
        ordered = sorted(documents, key=lambda document: document.place)
        self._forget([document.place for document in ordered])
        with connection.cursor() as cursor:
            cursor.executemany(
                "INSERT INTO search_text (rowid, name, tags, synonyms, ancestors, folders, keys) "
                "VALUES (%s, %s, %s, %s, %s, %s, %s)",
                [
                    (
                        document.place,
                        *(_text(getattr(document, field)) for field in Document.FIELDS),
                        " ".join(document.keys),
                    )
                    for document in ordered
                ],
            )

    def remove(self, places: Collection[int]) -> None:
        """Forget documents."""
        SearchDocument.objects.filter(place__in=places).delete()
        self._forget(places)

    def _forget(self, places: Collection[int]) -> None:
        with connection.cursor() as cursor:
            cursor.executemany(
                "DELETE FROM search_text WHERE rowid = %s", [(place,) for place in sorted(places)]
            )

    def matches(self, wanted: Wanted, tier: Tier | None = None) -> Func:
        """Return the condition on documents."""
        return Func(
            F("place"),
            Value(_expression(wanted, tier)),
            template="%(expressions)s)",
            arg_joiner=" IN (SELECT rowid FROM search_text WHERE search_text MATCH ",
            output_field=BooleanField(),
        )

    def rank(
        self, documents: QuerySet[SearchDocument], query: Query, most: int
    ) -> list[tuple[float, int, int]] | None:
        """Score by BM25, of which a higher value here means a better answer."""
        ids = dict(documents.values_list("place", "file_id")[: most + 1])
        if len(ids) > most:
            return None
        found: list[tuple[float, int, int]] = []
        wanted = _positive(query, _ALL)
        some = sorted(ids)
        with connection.cursor() as cursor:
            for start in range(0, len(some), _AT_ONCE):
                part = some[start : start + _AT_ONCE]
                marks = ", ".join(["%s"] * len(part))
                cursor.execute(
                    f"SELECT rowid, -bm25(search_text, {', '.join(map(str, _WEIGHTS))}) "  # noqa: S608 - numbers
                    f"FROM search_text WHERE search_text MATCH %s AND rowid IN ({marks})",
                    [wanted, *part],
                )
                found += ((score, place, ids[place]) for place, score in cursor.fetchall())
        return found

    def rank_all(self, documents: QuerySet[SearchDocument], query: Query, most: int) -> None:
        """Leave it: to say in which tier a file is, FTS5 would list all files of that tier."""

    def nearby(self, word: str, libraries: Collection[int] | None) -> list[Nearby]:
        """Compare the most frequent words of about the same length."""
        return compare_words(word, libraries)

    def begins_with(self, prefix: str) -> Q:
        """Return a range: LIKE would not use the index."""
        return Q(folded__gte=prefix, folded__lt=prefix + _LAST)

    def is_one_of(self, column: str, numbers: Collection[int]) -> Q:
        """Return what every database knows."""
        return Q(**{f"{column}__in": numbers})

    @contextmanager
    def steady_plans(self) -> Iterator[None]:
        """Do nothing: SQLite always asks the index of words first."""
        yield


def _text(phrases: Sequence[Sequence[str]]) -> str:
    return _BETWEEN.join(" ".join(phrase) for phrase in phrases)


def _expression(wanted: Wanted, tier: Tier | None) -> str:
    """Return what FTS5 is asked; all words are letters and digits, so nothing is to be escaped."""
    query = wanted.query
    columns = _ALL if tier is None else _COLUMNS.get(tier, _ALL)
    groups = wanted.keys or ((keys.EVERY,),)
    parts = [f"keys : ({' OR '.join(group)})" for group in groups]
    if query.groups:
        parts.append(f"({_positive(query, columns)})")
    text = " AND ".join(f"({part})" for part in parts)
    if tier is not None and tier > Tier.NAME and query.groups:
        text = f"({text}) NOT ({_positive(query, _COLUMNS[Tier(tier - 1)])})"
    for term in query.without:
        text = f"({text}) NOT ({_ALL} : {_term(term)})"
    return text


def _positive(query: Query, columns: str) -> str:
    groups = (" OR ".join(_term(term) for term in group) for group in query.groups)
    return f"{columns} : ({' AND '.join(f'({group})' for group in groups)})"


def _term(term: Term) -> str:
    return f'"{" ".join(term.words)}"' + (" *" if term.prefix else "")
