"""Which files an operation is about, and the next of them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from django.core.exceptions import EmptyResultSet
from django.db import connection
from django.db.models import QuerySet

from earmark.exchange.bulk.models import BulkOperation, FoundFile
from earmark.jobs.models import Run
from earmark.jobs.selection import Selection, parse_query
from earmark.library.models import AudioFile, AudioFileQuerySet, Library
from earmark.library.selectors import list_files
from earmark.search.selectors import Filters, Request
from earmark.search.selectors.searching import Search
from earmark.tagging.models import TagChange


@dataclass(frozen=True)
class BulkSearch:
    """What the search finds.

    Attributes
    ----------
    words : str
        As typed; see `earmark.search.query`.
    filters : Filters
        Of the library of the operation.
    told : mapping
        The same as it was asked for, as JSON.
    """

    words: str
    filters: Filters
    told: Mapping[str, Any]


@dataclass(frozen=True)
class BulkSelection:
    """Files of a library; what is not given narrows nothing.

    Attributes
    ----------
    under : str
        Folder or file in text form.
    query : str
        See `earmark.jobs.selection`; it is asked again for each slice, for the files behind it.
    files : tuple of int, optional
        These and no others.
    run : int, optional
        Only files of this run.
    search : BulkSearch, optional
        Only files that the search finds. Changing tags changes what is found, so all files are
        noted when the operation is asked for (`keep_found`).
    """

    under: str = ""
    query: str = ""
    files: tuple[int, ...] | None = None
    run: int | None = None
    search: BulkSearch | None = None

    def all_of(self, library: Library) -> AudioFileQuerySet:
        """Return the files that are meant now.

        Raises
        ------
        SelectionError
            If the query cannot be read, or a file is not there.
        """
        files = list_files(library=library, under=self.under).on_disk()
        ids = None if self.files is None else list(self.files)
        return Selection(self.query, ids, self.run, within=self._found()).apply(files)

    def after(self, library: Library, cursor: int, limit: int) -> list[AudioFile]:
        """Return the next files behind one, by their numbers, with their library."""
        files = list_files(library=library, under=self.under).on_disk().filter(pk__gt=cursor)
        if self.query:
            files = files.filter(parse_query(self.query).condition())
        if self.files is not None:
            files = files.filter(pk__in=[pk for pk in self.files if pk > cursor])
        return list(Selection(run=self.run).apply(files).order_by("pk")[:limit])

    def as_dict(self) -> dict[str, Any]:
        """Return what is kept; empty for all files."""
        ids = None if self.files is None else sorted(set(self.files))
        values = {"under": self.under, "query": self.query, "files": ids, "run": self.run}
        kept = {name: value for name, value in values.items() if value not in ("", None)}
        return kept if self.search is None else {**kept, "search": dict(self.search.told)}

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> BulkSelection:
        """Read what `as_dict` gave, where it is about no search."""
        files = values.get("files")
        return cls(**{**values, "files": None if files is None else tuple(files)})

    def _found(self) -> QuerySet[Any, Any] | None:
        if self.search is None:
            return None
        request = Request(self.search.words, self.search.filters)
        return Search(request).matching().values("file_id")


def keep_found(operation: BulkOperation, files: AudioFileQuerySet) -> int:
    """Note which files an operation is about, in the database alone; return how many."""
    try:
        ids, values = files.order_by().values("pk").query.sql_with_params()
    except EmptyResultSet:
        return 0
    table = connection.ops.quote_name(FoundFile._meta.db_table)
    with connection.cursor() as cursor:
        cursor.execute(
            f"INSERT INTO {table} (operation_id, file_id) "  # noqa: S608 - no words from outside
            f"SELECT %s, found.* FROM ({ids}) AS found",
            [operation.pk, *values],
        )
        return int(cursor.rowcount)


def found_by(operation: BulkOperation) -> QuerySet[FoundFile, Any] | None:
    """Return the ids of the files that were noted; None where the operation needs no notes."""
    if "search" not in operation.selection:
        return None
    return FoundFile.objects.filter(operation=operation).values("file_id")


def next_files(operation: BulkOperation, limit: int) -> list[AudioFile]:
    """Return the files of an operation behind the last one that is done."""
    found = found_by(operation)
    if found is None:
        selection = BulkSelection.from_dict(operation.selection)
        return selection.after(operation.library, operation.cursor, limit)
    left = found.filter(file_id__gt=operation.cursor)
    files = list_files(library=operation.library).on_disk()
    return list(files.filter(pk__gt=operation.cursor, pk__in=left).order_by("pk")[:limit])


def list_changes(*, operation: BulkOperation, limit: int) -> list[TagChange]:
    """Return the next changes that an undo takes back, with their files."""
    assert operation.undoes is not None
    rows = TagChange.objects.filter(batch=operation.undoes.batch, file__gt=operation.cursor)
    return list(rows.select_related("file__library").order_by("file")[:limit])


def began(run: int) -> Any:
    """Return a query for the time when a run was submitted."""
    return Run.objects.filter(pk=run).values("created_at")[:1]
