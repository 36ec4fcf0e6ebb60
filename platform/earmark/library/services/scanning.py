"""Look through a library's folder and bring its rows in line with what is there.

Only names and stat data are looked at. Files are read by workers, later; what that tells is in
`earmark.library.services.identification`. On the way, temporary files of Earmark's own writers that
were killed are cleared away: they are no sounds, and nobody else would ever look for them.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path

import structlog
from django.db import transaction
from django.db.models import F, Max, Value
from django.db.models.functions import Greatest
from django.utils import timezone

from earmark.library.errors import LibraryEmptyError, LibraryOfflineError, RootNotFoundError
from earmark.library.models import AudioFile, AudioFileQuerySet, Library
from earmark.library.paths import path_key, to_location
from earmark.library.services.comparison import Batch, compare
from earmark_files.errors import AudioFileError
from earmark_files.paths import display
from earmark_files.walk import FoundFile, walk

log = structlog.get_logger(__name__)

_BATCH = 1000
_UPDATE_BATCH = 500


@dataclass(frozen=True)
class ScanProblem:
    """A place in the library that could not be looked at; its files keep their state.

    Attributes
    ----------
    path : str
        Relative path in text form.
    code, message : str
        The reason, as in `AudioFileError`.
    """

    path: str
    code: str
    message: str


@dataclass(frozen=True)
class ScanProgress:
    """How far a scan is: numbers of files so far."""

    found: int
    added: int
    changed: int


@dataclass
class ScanReport:
    """What a scan found.

    Attributes
    ----------
    found : int
        Files on disk, readable or not.
    added, changed, returned, vanished, unchanged : int
        How many of them are new, have another size or time, were missing before; how many are
        gone; and how many are as they were.
    problems : list of ScanProblem
        Folders and links that could not be looked at. Files that cannot be sounds (pipes,
        devices) are rows in state failed instead.
    """

    found: int = 0
    added: int = 0
    changed: int = 0
    returned: int = 0
    vanished: int = 0
    unchanged: int = 0
    problems: list[ScanProblem] = field(default_factory=list)


def scan_library(
    *,
    library: Library,
    under: str = "",
    on_progress: Callable[[ScanProgress], None] | None = None,
) -> ScanReport:
    """Bring the rows of a library in line with its folder.

    Each batch of files is committed by itself, so a scan that is broken off loses nothing and
    the next one goes on from there. Vanished files are marked, not deleted, and only at the end
    of a complete look.

    Parameters
    ----------
    library : Library
    under : str
        Look only at this folder or file of the library (text form); "" is all of it.
    on_progress : callable, optional
        Called after each batch.

    Raises
    ------
    LibraryOfflineError
        If the root is not there, or goes away meanwhile. No file is marked as vanished then.
    LibraryEmptyError
        If there were sounds before and now there is none. Nothing is changed.
    RootNotFoundError
        If the root is there but `under` is not.
    """
    volume = _volume_of(library)
    known = AudioFile.objects.filter(library=library)
    newest = known.aggregate(newest=Max("pk"))["newest"] or 0
    report = ScanReport()
    seen: set[int] = set()
    for found in _in_batches(_walk(library, under)):
        _apply(compare(library, found), report, seen)
        if on_progress is not None:
            on_progress(ScanProgress(report.found, report.added, report.changed))
    if _volume_of(library) != volume:
        raise _offline(library)
    before = _below(known.on_disk().filter(pk__lte=newest), under)
    if not report.found and before.exists():
        raise LibraryEmptyError(
            f"{display(to_location(library.root, under))} holds no sounds now, but did before."
        )
    blocked = tuple(problem.path for problem in report.problems)
    gone = [
        pk
        for pk, path in before.values_list("pk", "path").iterator()
        if pk not in seen
        and not _is_blocked(path, blocked)
        and _is_gone(to_location(library.root, path))
    ]
    report.vanished = _mark_vanished(library, gone)
    if not under:
        Library.objects.filter(pk=library.pk).update(last_scan_at=timezone.now())
    log.info("library_scanned", library=library.pk, found=report.found, vanished=len(gone))
    return report


def _walk(library: Library, under: str) -> Iterator[FoundFile]:
    start = to_location(library.root, under)
    try:
        yield from walk(start, on_hidden=_clear_leftover)
    except AudioFileError as error:
        if under and library.location.is_dir():
            raise RootNotFoundError(f"{display(start)} cannot be looked at.") from error
        raise _offline(library) from error


def _clear_leftover(path: bytes) -> None:
    """Delete a temporary file of a writer that is dead; one that cannot be stays."""
    found = Path(os.fsdecode(path))
    if not found.name.startswith(".earmark-"):
        return
    # Only now: the web process, which loads this module too, has no use for code about tags.
    from earmark_files.metadata.temporaries import is_temporary, remove_if_stale

    if not is_temporary(found.name):
        return
    try:
        if remove_if_stale(found):
            log.info("leftover_removed", path=display(found))
    except OSError as error:
        log.warning("leftover_not_removed", path=display(found), reason=error.strerror)


def _volume_of(library: Library) -> tuple[int, int]:
    """Name the folder behind the root; another name later means that the volume went away."""
    try:
        status = library.location.stat()
    except OSError as error:
        raise _offline(library) from error
    return status.st_dev, status.st_ino


def _offline(library: Library) -> LibraryOfflineError:
    return LibraryOfflineError(
        f"The folder of the library {library.name!r} ({display(library.location)}) "
        "is not there or cannot be read."
    )


def _in_batches(found: Iterable[FoundFile]) -> Iterator[list[FoundFile]]:
    rest = iter(found)
    while batch := list(islice(rest, _BATCH)):
        yield batch


def _apply(batch: Batch, report: ScanReport, seen: set[int]) -> None:
    now = timezone.now()
    for file in (*batch.added, *batch.changed, *batch.returned):
        file.last_seen_at = now
    with transaction.atomic():
        # Another scan may have added the same file since we looked.
        AudioFile.objects.bulk_create(batch.added, ignore_conflicts=True)
        AudioFile.objects.bulk_update(
            [*batch.changed, *batch.returned],
            [
                *("size", "mtime_ns", "state", "error_code", "error_message"),
                *("error_retryable", "audio_hash", "last_seen_at"),
            ],
            batch_size=_UPDATE_BATCH,
        )
    seen.update(batch.seen)
    report.added += len(batch.added)
    report.changed += len(batch.changed)
    report.returned += len(batch.returned)
    report.unchanged += batch.unchanged
    report.found += batch.found
    report.problems += [ScanProblem(*problem) for problem in batch.problems]


def _below(files: AudioFileQuerySet, under: str) -> AudioFileQuerySet:
    return files.under(under) | files.filter(path_key=path_key(under)) if under else files


def _is_blocked(path: str, blocked: tuple[str, ...]) -> bool:
    return any(path == place or path.startswith(f"{place}/") for place in blocked)


def _is_gone(location: Path) -> bool:
    """Look again: the file may have been taken for gone because a worker recognised a move."""
    try:
        return not stat.S_ISREG(os.lstat(location).st_mode)
    except (FileNotFoundError, NotADirectoryError):
        return True
    except OSError:
        return False  # it cannot be looked at, which is not the same as being gone


def _mark_vanished(library: Library, gone: list[int]) -> int:
    changes: dict[str, object] = {"state": AudioFile.State.MISSING}
    if library.last_scan_at is not None:
        changes["last_seen_at"] = Greatest(F("last_seen_at"), Value(library.last_scan_at))
    count = 0
    for start in range(0, len(gone), _UPDATE_BATCH):
        rows = AudioFile.objects.filter(pk__in=gone[start : start + _UPDATE_BATCH]).on_disk()
        count += rows.update(**changes)
    return count
