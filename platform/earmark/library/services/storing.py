"""Write what a comparison found into the rows: many at once, and only those that change."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from typing import Any, TypeVar

from django.db import connection, transaction
from django.db.models import F, Value
from django.db.models.functions import Greatest
from django.utils import timezone

from earmark.core.deadlocks import again_after_deadlock
from earmark.library.models import AudioFile, AudioFileQuerySet, Library
from earmark.library.paths import folder_key, path_key
from earmark.library.services.comparison import Known
from earmark.library.services.locking import lock_files
from earmark_files.errors import AudioFileError
from earmark_files.walk import FoundFile

T = TypeVar("T")

_OWN_COLUMNS = {
    "path": "text",
    "path_key": "text",
    "folder_key": "bigint",
    "size": "bigint",
    "mtime_ns": "bigint",
}
"""Columns in which new rows differ, and their types on PostgreSQL."""

_ROWS_AT_ONCE = 1000
_ROWS_IN_UPDATE = 250
"""Django writes an update of many rows as one CASE, whose cost grows with the square of them."""


def store_added(library: Library, added: Sequence[tuple[str, FoundFile]]) -> Iterator[int]:
    """Make rows of new files, so many at a time; yields how many each time.

    Somebody else may have added the same file since we looked; that row stays as it is.
    """
    for chunk in _chunks(added):
        faulty = [_faulty_row(library, path, file) for path, file in chunk if file.problem]
        AudioFile.objects.bulk_create(faulty, ignore_conflicts=True)
        count = _insert(library, [(path, file) for path, file in chunk if not file.problem])
        yield count + len(faulty)


def _insert(library: Library, added: Sequence[tuple[str, FoundFile]]) -> int:
    """Insert rows of healthy files; returns how many.

    Not by `bulk_create`: of a million rows that differ in five columns it would take several times
    as long to make the objects and the statement as the database takes to store them.
    """
    rows = [
        (path, path_key(path), folder_key(path), file.size, file.mtime_ns) for path, file in added
    ]
    if not rows:
        return 0
    fixed = _fixed_columns(library)
    table, columns = AudioFile._meta.db_table, ", ".join([*fixed, *_OWN_COLUMNS])
    values = ", ".join(["%s"] * len(fixed))
    # Names of the model only, nothing from outside.
    start = f"INSERT INTO {table} ({columns})"
    with transaction.atomic(), connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            arrays = ", ".join(f"%s::{kind}[]" for kind in _OWN_COLUMNS.values())
            source = f"SELECT {values}, own.* FROM unnest({arrays}) AS own"  # noqa: S608
            own = [list(column) for column in zip(*rows, strict=True)]
            cursor.execute(f"{start} {source} ON CONFLICT DO NOTHING", [*fixed.values(), *own])
        else:
            marks = ", ".join(["%s"] * len(_OWN_COLUMNS))
            statement = f"{start} VALUES ({values}, {marks}) ON CONFLICT DO NOTHING"
            cursor.executemany(statement, [(*fixed.values(), *row) for row in rows])
        return int(cursor.rowcount)


def _fixed_columns(library: Library) -> dict[str, Any]:
    """Return what all new rows have in common, by column; what is not named is NULL."""
    now = timezone.now()
    example = AudioFile(library=library, first_seen_at=now, last_seen_at=now)
    values = {
        column: field.get_db_prep_save(getattr(example, field.attname), connection)
        for field in AudioFile._meta.concrete_fields
        if (column := field.column) and column not in _OWN_COLUMNS and not field.primary_key
    }
    return {column: value for column, value in values.items() if value is not None}


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


@again_after_deadlock
@transaction.atomic
def _update(changed: Sequence[tuple[Known, FoundFile]]) -> None:
    lock_files(file_ids=[known.pk for known, _ in changed])
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
            _change(AudioFile.objects.all(), chunk, state=state, last_seen_at=now)


def store_vanished(library: Library, gone: Sequence[int]) -> int:
    """Mark files that are gone; returns how many were not marked already."""
    changes: dict[str, object] = {"state": AudioFile.State.MISSING}
    if library.last_scan_at is not None:
        changes["last_seen_at"] = Greatest(F("last_seen_at"), Value(library.last_scan_at))
    return sum(_change(AudioFile.objects.on_disk(), chunk, **changes) for chunk in _chunks(gone))


def store_excluded(left_out: Sequence[int]) -> int:
    """Mark files that are there but that the patterns leave out; returns how many."""
    return sum(
        _change(AudioFile.objects.on_disk(), chunk, state=AudioFile.State.EXCLUDED)
        for chunk in _chunks(left_out)
    )


@again_after_deadlock
@transaction.atomic
def _change(files: AudioFileQuerySet, keys: Sequence[int], **changes: object) -> int:
    """Change those of some files that are among `files`, all in one way; returns how many."""
    lock_files(file_ids=keys)
    return files.filter(pk__in=keys).update(**changes)


def place_files(library: Library) -> Iterator[int]:
    """Fill in the folders of rows that have none yet, so many at a time."""
    unplaced = AudioFile.objects.filter(library=library, folder_key=None)
    while rows := list(unplaced.only("path")[:_ROWS_AT_ONCE]):
        for row in rows:
            row.folder_key = folder_key(row.path)
        with transaction.atomic():
            AudioFile.objects.bulk_update(rows, ["folder_key"], batch_size=_ROWS_IN_UPDATE)
        yield len(rows)


def _faulty_row(library: Library, path: str, file: FoundFile) -> AudioFile:
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
