"""Compare folders as they are on disk with the rows about them. Changes nothing."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from earmark.library.models import AudioFile, Library
from earmark.library.paths import key_of_folder
from earmark_files.errors import ReadErrorCode
from earmark_files.paths import path_to_text
from earmark_files.walk import FoundFile, FoundFolder

_ROWS_AT_ONCE = 2000
_CLOCKS_DIFFER_NS = 300 * 10**9
"""By how much the clock of a file server may be ahead of ours."""

_SEEN = frozenset({AudioFile.State.PRESENT.value, AudioFile.State.FAILED.value})


class Known(NamedTuple):
    """What a comparison has to know of a row."""

    pk: int
    path: str
    size: int
    mtime_ns: int
    state: str
    error_code: str


@dataclass
class Difference:
    """What has to change so that the rows agree with the disk.

    Attributes
    ----------
    added : list of (path, FoundFile)
        Files without a row; paths are those of rows.
    changed : list of (Known, FoundFile)
        Files with another size, time or kind than their rows say.
    returned : list of Known
        Rows of files that were missing or left out, and are as they were.
    gone : list of (key, path)
        Rows in these folders whose file was not found.
    problems : list of (path, code, message)
        Names behind which no file can be seen: broken links, faults of the disk.
    unchanged, settling, found : int
        How many rows are right already; how many files are left for the next scan because they
        changed just now; how many files there are.
    """

    added: list[tuple[str, FoundFile]] = field(default_factory=list)
    changed: list[tuple[Known, FoundFile]] = field(default_factory=list)
    returned: list[Known] = field(default_factory=list)
    gone: list[tuple[int, str]] = field(default_factory=list)
    problems: list[tuple[str, str, str]] = field(default_factory=list)
    unchanged: int = 0
    settling: int = 0
    found: int = 0


def compare_folders(
    library: Library, folders: Sequence[FoundFolder], *, settle_seconds: float = 0
) -> Difference:
    """Compare folders that were read to their end with all rows of files right in them.

    Parameters
    ----------
    library : Library
    folders : sequence of FoundFolder
        None of them with a problem.
    settle_seconds : float
        A new or changed file whose times are not older than this is left for the next scan.
    """
    texts = [(path_to_text(folder.path), folder) for folder in folders]
    keys = {key_of_folder(text) for text, _ in texts}
    rows = AudioFile.objects.filter(library=library, folder_key__in=keys)
    return _compare(dict(_named(texts)), rows_of(rows), settle_seconds)


def compare_file(
    library: Library, path: str, file: FoundFile, *, settle_seconds: float = 0
) -> Difference:
    """Compare a single file with its row; see `compare_folders`."""
    rows = AudioFile.objects.filter(library=library, folder_key=key_of_folder(_parent(path)))
    return _compare({path: file}, rows_of(rows.filter(path=path)), settle_seconds)


def rows_of(rows: Iterable[AudioFile]) -> Iterator[Known]:
    """Read rows for a comparison, a few thousand at a time."""
    fields = rows.values_list(*Known._fields)  # type: ignore[attr-defined]
    return (Known(*row) for row in fields.iterator(chunk_size=_ROWS_AT_ONCE))


def _parent(path: str) -> str:
    return path.rpartition("/")[0]


def _named(folders: Iterable[tuple[str, FoundFolder]]) -> Iterator[tuple[str, FoundFile]]:
    for text, folder in folders:
        prefix = f"{text}/" if text else ""
        for file in folder.files:
            yield prefix + path_to_text(file.path.rpartition(b"/")[2]), file


def _compare(
    files: dict[str, FoundFile], rows: Iterable[Known], settle_seconds: float
) -> Difference:
    difference = Difference()
    settling = _Settling(settle_seconds)
    for row in rows:
        file = files.pop(row.path, None)
        if file is None:
            if row.state in _SEEN:
                difference.gone.append((row.pk, row.path))
        elif (
            row.size == file.size
            and row.mtime_ns == file.mtime_ns
            and row.state in _SEEN
            and file.problem is None
        ):
            difference.unchanged += 1
        elif not _is_hidden(difference, row.path, file):
            _compare_row(difference, row, file, settling)
    difference.found += difference.unchanged
    for path, file in files.items():
        if _is_hidden(difference, path, file):
            continue
        difference.found += 1
        if settling.includes(file):
            difference.settling += 1
        else:
            difference.added.append((path, file))
    return difference


def _is_hidden(difference: Difference, path: str, file: FoundFile) -> bool:
    """Note a problem that says nothing about the file itself, so its row must not change."""
    problem = file.problem
    if problem is None or problem.code == ReadErrorCode.NOT_A_REGULAR_FILE:
        return False
    difference.problems.append((path, problem.code, problem.message))
    return True


def _compare_row(difference: Difference, row: Known, file: FoundFile, settling: _Settling) -> None:
    difference.found += 1
    same = (row.size, row.mtime_ns) == (file.size, file.mtime_ns)
    if file.problem is not None:
        known = row.state == AudioFile.State.FAILED and row.error_code == file.problem.code
        if same and known:
            difference.unchanged += 1
        else:
            difference.changed.append((row, file))
    elif same:
        difference.returned.append(row)
    elif settling.includes(file):
        difference.settling += 1
    else:
        difference.changed.append((row, file))


@dataclass
class _Settling:
    """Which files may still be being written.

    The time of change counts beside that of modification, which copying programs set to that of
    the original while they still copy. Times far in the future are no sign of work in progress.
    """

    seconds: float
    now: int = field(default_factory=time.time_ns)

    def includes(self, file: FoundFile) -> bool:
        if not self.seconds or file.problem is not None:
            return False
        since = self.now - int(self.seconds * 1e9)
        until = self.now + _CLOCKS_DIFFER_NS
        return since < file.mtime_ns < until or since < file.ctime_ns < until
