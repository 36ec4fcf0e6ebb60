"""The counts of tags, categories and words, kept right by differences."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TypeAlias

from django.db import connection

from earmark.core.text import to_storable
from earmark.search.models import SearchTerm
from earmark.search.words import fold

Terms: TypeAlias = frozenset[tuple[str, str]]
"""Kind and text of each."""

_LONGEST = 200
_ROWS = 500


def terms_as_text(terms: Terms) -> str:
    """Return terms as they are kept beside a document."""
    return "\n".join(sorted(f"{kind} {text}" for kind, text in terms))


def terms_from_text(text: str) -> Terms:
    """Read what `terms_as_text` gave."""
    parts = (line.partition(" ") for line in text.split("\n") if line)
    return frozenset((kind, term) for kind, _, term in parts)


def apply_counts(differences: Mapping[tuple[int, str, str], int]) -> None:
    """Add differences, by library, kind and text, to the numbers of files."""
    rows = [
        (library_id, kind, text, fold(text)[:_LONGEST], number)
        for (library_id, kind, text), number in sorted(differences.items())
    ]
    for start in range(0, len(rows), _ROWS):
        left = _add(rows[start : start + _ROWS])
        nowhere = [pk for pk, files in left if files <= 0]
        if nowhere:
            SearchTerm.objects.filter(pk__in=nowhere).delete()


def _add(rows: Iterable[tuple[int, str, str, str, int]]) -> list[tuple[int, int]]:
    """Add to the numbers of files; return the ids of the rows with what they have now."""
    values = [value for row in rows for value in row]
    marks = ", ".join(["(%s, %s, %s, %s, %s)"] * (len(values) // 5))
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO search_searchterm (library_id, kind, text, folded, files) "  # noqa: S608 - only marks
            f"VALUES {marks} ON CONFLICT (library_id, kind, text) "
            "DO UPDATE SET files = search_searchterm.files + excluded.files RETURNING id, files",
            [to_storable(value) for value in values],
        )
        return list(cursor.fetchall())
