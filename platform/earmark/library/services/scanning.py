"""Look through a library's folder and bring its rows in line with what is there.

Only names and stat data are looked at. Files are read by workers, later; what that tells is in
`earmark.library.services.identification`. On the way, temporary files of Earmark's own writers that
were killed are cleared away: they are no sounds, and nobody else would ever look for them.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import structlog
from django.utils import timezone

from earmark.library.errors import LibraryEmptyError, LibraryOfflineError, RootNotFoundError
from earmark.library.models import AudioFile, Library
from earmark.library.paths import key_of_folder, to_location
from earmark.library.services.comparison import Difference, compare_file, compare_folders
from earmark.library.services.storing import (
    place_files,
    store_added,
    store_changed,
    store_returned,
)
from earmark.library.services.vanishing import Marked, Vanishing
from earmark_files.errors import AudioFileError
from earmark_files.paths import display, path_to_text, text_to_path
from earmark_files.selection import Selection
from earmark_files.walk import FoundFile, FoundFolder, Watcher, find_file, walk_folders

log = structlog.get_logger(__name__)

PROBLEMS_KEPT = 1000
_FILES_AT_ONCE = 2000
_FOLDERS_AT_ONCE = 200
_TELL_EVERY_S = 2.0


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


@dataclass
class ScanReport:
    """What a scan found, so far or in the end.

    Attributes
    ----------
    found : int
        Files on disk, readable or not.
    added, changed, returned, vanished, unchanged : int
        How many of them are new, have another size or time, were missing before; how many are
        gone; and how many are as they were.
    excluded : int
        Files that had been taken in, and that the library's patterns now leave out.
    settling : int
        Files left for the next scan because they changed just now.
    folders : int
        Folders read.
    cursor : str
        The last of them, in text form; a scan that was broken off goes on behind it.
    problems : list of ScanProblem
        Folders and links that could not be looked at, the first thousand. Files that cannot be
        sounds (pipes, devices) are rows in state failed instead.
    problem_count : int
        How many there are in all.
    """

    found: int = 0
    added: int = 0
    changed: int = 0
    returned: int = 0
    vanished: int = 0
    unchanged: int = 0
    excluded: int = 0
    settling: int = 0
    folders: int = 0
    cursor: str = ""
    problems: list[ScanProblem] = field(default_factory=list)
    problem_count: int = 0

    def add_problem(self, path: str, code: str, message: str) -> None:
        """Count a problem, and keep it if it is among the first."""
        self.problem_count += 1
        if len(self.problems) < PROBLEMS_KEPT:
            self.problems.append(ScanProblem(path, code, message))


def _nobody_asks(_: ScanReport) -> None:
    """Nobody wants to know how far the scan is."""


def scan_library(
    *,
    library: Library,
    under: str = "",
    settle_seconds: float = 0,
    so_far: ScanReport | None = None,
    on_progress: Callable[[ScanReport], None] = _nobody_asks,
) -> ScanReport:
    """Bring the rows of a library in line with its folder.

    Each batch of folders is committed by itself, so a scan that is broken off loses nothing and
    the next one goes on from there. Vanished files are marked, not deleted, and only where the
    folder could be read and the root is still the same.

    Parameters
    ----------
    library : Library
    under : str
        Look only at this folder or file of the library (text form); "" is all of it.
    settle_seconds : float
        New and changed files whose times are not older than this are left for the next scan.
    so_far : ScanReport, optional
        What another process had found when it was broken off; this scan goes on behind it.
    on_progress : callable, optional
        Called after each batch, and every few seconds while a large folder is read. What it
        raises ends the scan.

    Raises
    ------
    LibraryOfflineError
        If the root is not there, or goes away meanwhile. No file is marked as vanished then.
    LibraryEmptyError
        If there were sounds before and now there is none. Nothing is changed.
    RootNotFoundError
        If the root is there but `under` is not, or is no part of the library.
    """
    look = _Look(library, under, settle_seconds, so_far or ScanReport(), on_progress)
    look.take_all()
    report = look.report
    if not under:
        Library.objects.filter(pk=library.pk).update(last_scan_at=timezone.now())
    log.info("library_scanned", library=library.pk, found=report.found, vanished=report.vanished)
    return report


class _Look:
    """One look at a library."""

    def __init__(
        self,
        library: Library,
        under: str,
        settle_seconds: float,
        report: ScanReport,
        on_progress: Callable[[ScanReport], None],
    ) -> None:
        self.report = report
        self._library = library
        self._under = under
        self._settle = settle_seconds
        self._on_progress = on_progress
        self._told = time.monotonic()
        self._after = text_to_path(report.cursor) if report.folders else None
        self._volume = _volume_of(library)
        self._selection = Selection.of(library.include.splitlines(), library.exclude.splitlines())
        self._vanishing = Vanishing(
            library, self._selection, check_volume=self._check_volume, alive=self._stay_alive
        )
        self._read: set[int] = set()

    def take_all(self) -> None:
        """Look at everything that is asked for."""
        start = _start_of(self._library, self._under, self._selection)
        single = self._single(start)
        for _ in place_files(self._library):
            self._stay_alive()
        if single is not None:
            self._apply(
                compare_file(self._library, self._under, single, settle_seconds=self._settle)
            )
            self._tell()
            return
        for folders in _in_batches(self._folders()):
            self._take(folders)
        self._check_volume()
        self._check_not_empty()
        self._count(self._vanishing.mark())
        for marked in self._vanishing.mark_unread(self._under, self._read, self._after):
            self._count(marked)
            self._tell()

    def _single(self, start: Path) -> FoundFile | None:
        try:
            return find_file(start)
        except AudioFileError as error:
            raise self._not_there(start) from error

    def _folders(self) -> Iterator[FoundFolder]:
        try:
            yield from walk_folders(
                self._library.location,
                under=text_to_path(self._under) if self._under else b"",
                selection=self._selection,
                after=self._after,
                watcher=Watcher(hidden=_clear_leftover, alive=self._stay_alive),
            )
        except AudioFileError as error:
            raise self._not_there(to_location(self._library.root, self._under)) from error

    def _not_there(self, start: Path) -> RootNotFoundError | LibraryOfflineError:
        if self._under and self._library.location.is_dir():
            return RootNotFoundError(f"{display(start)} cannot be looked at.")
        return _offline(self._library)

    def _take(self, folders: list[FoundFolder]) -> None:
        for folder in folders:
            if folder.problem is not None:
                path = path_to_text(folder.path)
                self._vanishing.block(path)
                self.report.add_problem(path, folder.problem.code, folder.problem.message)
        read = [folder for folder in folders if folder.problem is None]
        difference = compare_folders(self._library, read, settle_seconds=self._settle)
        self._read.update(key_of_folder(path_to_text(folder.path)) for folder in read)
        self._apply(difference)
        self._vanishing.add(difference.gone)
        if self.report.found:  # else the root may just be empty by accident
            self._count(self._vanishing.mark())
        self.report.folders += len(folders)
        self.report.cursor = path_to_text(folders[-1].path)
        self._tell()

    def _apply(self, difference: Difference) -> None:
        report = self.report
        for count in store_changed(difference.changed):
            report.changed += count
            self._stay_alive()
        for count in store_added(self._library, difference.added):
            report.added += count
            self._stay_alive()
        store_returned(difference.returned)
        report.returned += len(difference.returned)
        report.unchanged += difference.unchanged
        report.settling += difference.settling
        report.found += difference.found
        for problem in difference.problems:
            report.add_problem(*problem)

    def _count(self, marked: Marked) -> None:
        self.report.vanished += marked.vanished
        self.report.excluded += marked.excluded

    def _tell(self) -> None:
        self._told = time.monotonic()
        self._on_progress(self.report)

    def _stay_alive(self) -> None:
        if time.monotonic() - self._told > _TELL_EVERY_S:
            self._tell()

    def _check_volume(self) -> None:
        """See to it that the root is the folder it was at the start."""
        if _volume_of(self._library) != self._volume:
            raise _offline(self._library)

    def _check_not_empty(self) -> None:
        known = AudioFile.objects.filter(library=self._library).on_disk().under(self._under)
        if not self.report.found and known.exists():
            place = to_location(self._library.root, self._under)
            raise LibraryEmptyError(
                f"{display(place)} holds no sounds that are wanted now, but did before."
            )


def _start_of(library: Library, under: str, selection: Selection) -> Path:
    """Return where to begin, if that is a part of the library."""
    start = to_location(library.root, under)
    if not under:
        return start
    raw = text_to_path(under)
    real = Path(os.path.realpath(library.location)) / os.fsdecode(raw)
    straight = not {b"", b".", b".."} & set(raw.split(b"/"))
    if not straight or Path(os.path.realpath(start)) != real:
        raise RootNotFoundError(
            f"{display(start)} does not lie in the library itself.",
            hint="Name a folder below the library's root, without links on the way.",
        )
    if not selection.reaches(raw.rpartition(b"/")[0] if start.is_file() else raw):
        raise RootNotFoundError(
            f"{display(start)} is left out of the library.",
            hint="Hidden and system folders always are; others by the library's patterns.",
        )
    return start


def _in_batches(folders: Iterator[FoundFolder]) -> Iterator[list[FoundFolder]]:
    """Gather folders until they are worth a question to the database, or time has passed."""
    batch: list[FoundFolder] = []
    files, begun = 0, time.monotonic()
    for folder in folders:
        batch.append(folder)
        files += len(folder.files)
        late = time.monotonic() - begun > _TELL_EVERY_S
        if files >= _FILES_AT_ONCE or len(batch) >= _FOLDERS_AT_ONCE or late:
            yield batch
            batch, files, begun = [], 0, time.monotonic()
    if batch:
        yield batch


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
