"""Compare a batch of files found on disk with the rows about them. Changes nothing."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass, field

from django.utils import timezone

from earmark.library.models import AudioFile, Library
from earmark.library.paths import path_key
from earmark_files.errors import AudioFileError, ReadErrorCode
from earmark_files.paths import path_to_text
from earmark_files.walk import FoundFile, is_audio_name


@dataclass
class Batch:
    """What has to change so that the rows agree with the disk.

    Attributes
    ----------
    added, changed, returned : list of AudioFile
        Rows to insert; rows whose file has another content or state; rows that were missing.
    problems : list of (path, code, message)
        Names behind which no file can be seen: unreadable folders, broken links.
    seen : list of int
        Keys of the rows whose file is there.
    unchanged, found : int
        How many rows are right already; how many files there are.
    """

    added: list[AudioFile] = field(default_factory=list)
    changed: list[AudioFile] = field(default_factory=list)
    returned: list[AudioFile] = field(default_factory=list)
    problems: list[tuple[str, str, str]] = field(default_factory=list)
    seen: list[int] = field(default_factory=list)
    unchanged: int = 0
    found: int = 0


def compare(library: Library, found: Sequence[FoundFile]) -> Batch:
    """Return the changes that a batch of found files asks for."""
    cut = len(os.fsencode(library.location).rstrip(b"/")) + 1
    entries = {path_key(text): (text, file) for text, file in _texts(found, cut)}
    rows = {
        row.path_key: row for row in AudioFile.objects.filter(library=library, path_key__in=entries)
    }
    batch = Batch()
    for key, (text, file) in entries.items():
        row = rows.get(key)
        if file.problem is not None and _hides_files(file, row):
            batch.problems.append((text, file.problem.code, file.problem.message))
            continue
        batch.found += 1
        if row is None:
            batch.added.append(_new_row(library, text, key, file))
            continue
        batch.seen.append(row.pk)
        _compare_row(batch, row, file)
    return batch


def _texts(found: Sequence[FoundFile], cut: int) -> list[tuple[str, FoundFile]]:
    return [(path_to_text(file.path[cut:]), file) for file in found]


def _hides_files(file: FoundFile, row: AudioFile | None) -> bool:
    """Say whether a problem concerns a folder or a dangling name instead of a file."""
    if file.problem is None:
        return False
    gone = file.problem.code == ReadErrorCode.FILE_NOT_FOUND
    return gone or (row is None and not is_audio_name(file.path.rpartition(b"/")[2]))


def _new_row(library: Library, text: str, key: str, file: FoundFile) -> AudioFile:
    now = timezone.now()
    row = AudioFile(
        library=library,
        path=text,
        path_key=key,
        size=file.size,
        mtime_ns=file.mtime_ns,
        first_seen_at=now,
        last_seen_at=now,
    )
    _set_problem(row, file.problem)
    return row


def _compare_row(batch: Batch, row: AudioFile, file: FoundFile) -> None:
    same = (row.size, row.mtime_ns) == (file.size, file.mtime_ns)
    if file.problem is not None:
        if row.state == AudioFile.State.FAILED and row.error_code == file.problem.code and same:
            batch.unchanged += 1
            return
        row.size, row.mtime_ns = file.size, file.mtime_ns
        _set_problem(row, file.problem)
        batch.changed.append(row)
    elif not same:
        row.size, row.mtime_ns = file.size, file.mtime_ns
        row.audio_hash = ""
        _set_problem(row, None)
        batch.changed.append(row)
    elif row.state == AudioFile.State.MISSING:
        row.state = AudioFile.State.FAILED if row.error_code else AudioFile.State.PRESENT
        batch.returned.append(row)
    else:
        batch.unchanged += 1


def _set_problem(row: AudioFile, problem: AudioFileError | None) -> None:
    row.state = AudioFile.State.FAILED if problem else AudioFile.State.PRESENT
    row.error_code = problem.code if problem else ""
    row.error_message = problem.message if problem else ""
    row.error_retryable = problem.retryable if problem else False
