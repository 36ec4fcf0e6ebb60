"""Which files an operation is about, and the next of them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from earmark.jobs.models import Run
from earmark.jobs.selection import Selection, parse_query
from earmark.library.models import AudioFile, Library
from earmark.library.selectors import list_files


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
    """

    under: str = ""
    query: str = ""
    files: tuple[int, ...] | None = None
    run: int | None = None

    def check(self, library: Library) -> int:
        """Return how many files are meant.

        Raises
        ------
        SelectionError
            If the query cannot be read, or a file is not there.
        """
        files = list_files(library=library, under=self.under).on_disk()
        ids = None if self.files is None else list(self.files)
        return Selection(query=self.query, file_ids=ids, run=self.run).apply(files).count()

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
        return {name: value for name, value in values.items() if value not in ("", None)}

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> BulkSelection:
        """Read what `as_dict` gave."""
        files = values.get("files")
        return cls(**{**values, "files": None if files is None else tuple(files)})


def began(run: int) -> Any:
    """Return a query for the time when a run was submitted."""
    return Run.objects.filter(pk=run).values("created_at")[:1]
