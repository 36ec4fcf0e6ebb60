"""Found files as people see them: what is stored about them now, not what the index knew."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from django.db.models import F

from earmark.library.models import AudioFile
from earmark.library.paths import to_location
from earmark.search.backends import search_backend
from earmark.tagging.models import Tag


@dataclass(frozen=True)
class FoundFile:
    """A file, with what it was found by.

    Rows are read as plain values: a page of instances would take longer to make than to find.

    Attributes
    ----------
    id, library : int
    library_name, library_root : str
    path : str
        Relative, in text form.
    duration, channels, sample_rate, container, state, size, mtime_ns, audio_hash
        As in `AudioFile`.
    tags : list of (str, float or None)
        Accepted ones with their confidence, surest first.
    catid : str
    score : float or None
        How well it answers the words; only comparable within one search.
    """

    id: int
    library: int
    library_name: str
    library_root: str
    path: str
    duration: float | None
    channels: int | None
    sample_rate: int | None
    container: str
    state: str
    size: int
    mtime_ns: int
    audio_hash: str
    tags: list[tuple[str, float | None]] = field(default_factory=list)
    catid: str = ""
    score: float | None = None

    @property
    def name(self) -> str:
        """The file's name without its folders."""
        return self.path.rpartition("/")[2]

    @property
    def folder(self) -> str:
        """The folder within the library."""
        return self.path.rpartition("/")[0]

    @property
    def location(self) -> Path:
        """Where the file is on this machine."""
        return to_location(self.library_root, self.path)


_COLUMNS = (
    *("pk", "library_id", "library__name", "library__root", "path", "duration", "channels"),
    *("sample_rate", "container", "state", "size", "mtime_ns", "audio_hash"),
)


def load_files(
    file_ids: Sequence[int],
    *,
    scores: dict[int, float] | None = None,
    with_tags: bool = True,
) -> list[FoundFile]:
    """Return files in the order of their ids; those that are gone by now are left out.

    Two queries however many files: one of files with their libraries and categories, one of tags.
    """
    if not file_ids:
        return []
    named = AudioFile.objects.filter(search_backend().is_one_of("pk", file_ids))
    found = named.values_list(*_COLUMNS, "tag_set__catid")
    rows: dict[int, tuple[Any, ...]] = {row[0]: row for row in found}
    tags = _tags(rows) if with_tags else {}
    files = []
    for pk in file_ids:
        if pk in rows:
            own: list[Any] = [*rows[pk][:-1], tags.get(pk, []), rows[pk][-1] or ""]
            own.append(scores.get(pk) if scores else None)
            files.append(FoundFile(*own))
    return files


def _tags(file_ids: Collection[int]) -> dict[int, list[tuple[str, float | None]]]:
    found: dict[int, list[tuple[str, float | None]]] = {pk: [] for pk in file_ids}
    tags = Tag.objects.accepted().filter(search_backend().is_one_of("file", file_ids))
    ordered = tags.order_by("file", F("confidence").desc(nulls_first=True), "pk")
    for pk, name, confidence in ordered.values_list("file", "name", "confidence"):
        found[pk].append((name, confidence))
    return found
