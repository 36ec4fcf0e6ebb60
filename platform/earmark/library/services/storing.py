"""Write what a comparison found into the rows: many at once, and only those that change."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from itertools import islice
from typing import TypeVar

from django.db import transaction
from django.db.models import F, Value
from django.db.models.functions import Greatest
from django.utils import timezone

from earmark.library.models import AudioFile, Library
from earmark.library.paths import folder_key, path_key
from earmark.library.services.comparison import Known
from earmark_files.errors import AudioFileError
from earmark_files.walk import FoundFile

T = TypeVar("T")

_ROWS_AT_ONCE = 1000
_ROWS_IN_UPDATE = 250
"""Django writes an update of many rows as one CASE, whose cost grows with the square of them."""


def store_added(library: Library, added: Sequence[tuple[str, FoundFile]]) -> Iterator[int]:
    """Make rows of new files, so many at a time; yields how many each time."""
    rest = iter(added)
    while chunk := list(islice(rest, _ROWS_AT_ONCE)):
        rows = [_new_row(library, path, file) for path, file in chunk]
        # Somebody else may have added the same file since we looked.
        AudioFile.objects.bulk_create(rows, ignore_conflicts=True)
        yield len(rows)


def store_changed(changed: Sequence[tuple[Known, FoundFile]]) -> Iterator[int]:
    """Note new sizes and times, so many at a time; the audio is to be identified again.

    Yields how many each time. A file that has changed since it was found is left for the next
    scan: it grows still, or Earmark itself has just written to it and stored what it is now.
    """
    for chunk in _chunks(changed):
        still = [(known, file) for known, file in chunk if _stands_still(file)]
        _update(still)
        yield len(still)


def _stands_still(file: FoundFile) -> bool:
    if file.problem is not None:
        return True
    try:
        now = os.lstat(file.path)
    except OSError:
        return False
    return (now.st_size, now.st_mtime_ns) == (file.size, file.mtime_ns)


def _update(changed: Sequence[tuple[Known, FoundFile]]) -> None:
    now = timezone.now()
    rows = [
        AudioFile(
            pk=known.pk,
            size=file.size,
            mtime_ns=file.mtime_ns,
            audio_hash="",
            last_seen_at=now,
            **_state(file.problem),
        )
        for known, file in changed
    ]
    fields = ["size", "mtime_ns", "audio_hash", "last_seen_at", *_state(None)]
    AudioFile.objects.bulk_update(rows, fields, batch_size=_ROWS_IN_UPDATE)


def store_returned(returned: Sequence[Known]) -> None:
    """Note that files are there again as they were, with the fault they had, if any."""
    now = timezone.now()
    for state, faulty in ((AudioFile.State.PRESENT, False), (AudioFile.State.FAILED, True)):
        keys = [known.pk for known in returned if bool(known.error_code) is faulty]
        for chunk in _chunks(keys):
            AudioFile.objects.filter(pk__in=chunk).update(state=state, last_seen_at=now)


def store_vanished(library: Library, gone: Sequence[int]) -> int:
    """Mark files that are gone; returns how many were not marked already."""
    changes: dict[str, object] = {"state": AudioFile.State.MISSING}
    if library.last_scan_at is not None:
        changes["last_seen_at"] = Greatest(F("last_seen_at"), Value(library.last_scan_at))
    return sum(
        AudioFile.objects.filter(pk__in=chunk).on_disk().update(**changes)
        for chunk in _chunks(gone)
    )


def store_excluded(left_out: Sequence[int]) -> int:
    """Mark files that are there but that the patterns leave out; returns how many."""
    return sum(
        AudioFile.objects.filter(pk__in=chunk).on_disk().update(state=AudioFile.State.EXCLUDED)
        for chunk in _chunks(left_out)
    )


def place_files(library: Library) -> Iterator[int]:
    """Fill in the folders of rows that have none yet, so many at a time."""
    unplaced = AudioFile.objects.filter(library=library, folder_key=None)
    while rows := list(unplaced.only("path")[:_ROWS_AT_ONCE]):
        for row in rows:
            row.folder_key = folder_key(row.path)
        with transaction.atomic():
            AudioFile.objects.bulk_update(rows, ["folder_key"], batch_size=_ROWS_IN_UPDATE)
        yield len(rows)


def _new_row(library: Library, path: str, file: FoundFile) -> AudioFile:
    now = timezone.now()
    return AudioFile(
        library=library,
        path=path,
        path_key=path_key(path),
        folder_key=folder_key(path),
        size=file.size,
        mtime_ns=file.mtime_ns,
        first_seen_at=now,
        last_seen_at=now,
        **_state(file.problem),
    )


def _state(problem: AudioFileError | None) -> dict[str, object]:
    return {
        "state": AudioFile.State.FAILED if problem else AudioFile.State.PRESENT,
        "error_code": problem.code if problem else "",
        "error_message": problem.message if problem else "",
        "error_retryable": problem.retryable if problem else False,
    }


def _chunks(items: Sequence[T]) -> Iterator[Sequence[T]]:
    return (items[start : start + _ROWS_AT_ONCE] for start in range(0, len(items), _ROWS_AT_ONCE))
