"""Which sound files a folder holds: names and stat data only, no file is opened.

Symbolic links are not followed: one that points into the library names a sound that is found under
its real name anyway, one that points out of it must not be written to, and not following them ends
every loop. The order is the same on every run: a folder's files by name, then its folders by name.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from typing import NamedTuple

from earmark_files.errors import AnyPath, AudioFileError, ReadErrorCode, from_os_error
from earmark_files.selection import EVERYTHING, Selection

FOLDER_LOOP = "folder_loop"
"""Code of the problem of a folder that holds itself, as some mounts make it look."""

_SIGN_OF_LIFE = 1000
"""Entries between two calls of `Watcher.alive`."""


class FoundFile(NamedTuple):
    """A name that looks like a sound file, or a folder that could not be looked into.

    Attributes
    ----------
    path : bytes
        The walked root as it was given, joined with the name; as the file system has it.
    size : int
        Bytes.
    mtime_ns : int
        Time of the last modification, nanoseconds since the epoch.
    inode : tuple of int
        Device and inode number: two names with the same pair are hard links to one file.
    problem : AudioFileError or None
        Why this cannot be a sound (FIFO, device, socket, broken link, unreadable folder ...).
        Size, times and inode are then those of the name itself, or 0 where nothing is known.
    ctime_ns : int
        Time of the last change of content or attributes; no copying program can set it.
    """

    path: bytes
    size: int
    mtime_ns: int
    inode: tuple[int, int]
    problem: AudioFileError | None = None
    ctime_ns: int = 0


@dataclass(frozen=True, slots=True)
class FoundFolder:
    """One folder, read to its end, or why it could not be.

    Attributes
    ----------
    path : bytes
        Below the root; empty for the root itself.
    files : list of FoundFile
        In order of their names.
    problem : AudioFileError or None
        With a problem `files` is empty, and nothing is known about what lies below.
    """

    path: bytes
    files: list[FoundFile] = field(default_factory=list)
    problem: AudioFileError | None = None


def _nothing(*_: object) -> None:
    """Nobody watches."""


@dataclass(frozen=True, slots=True)
class Watcher:
    """Who wants to know what happens during a walk.

    Attributes
    ----------
    hidden : callable
        Gets the path of each hidden file that is passed over.
    alive : callable
        Called now and then, so that somebody can be told that the walk goes on.
    """

    hidden: Callable[[bytes], None] = _nothing
    alive: Callable[[], None] = _nothing


NOBODY = Watcher()


def walk(
    root: AnyPath, include: Iterable[str] = (), exclude: Iterable[str] = ()
) -> Iterator[FoundFile]:
    """Find the sound files below a folder.

    Parameters
    ----------
    root : path
        A folder, which may itself be reached through a link, or a single file.
    include, exclude : iterable of str
        Patterns, see `earmark_files.selection`.

    Yields
    ------
    FoundFile
        Files with a known extension. Hidden names (which covers Earmark's own temporary files),
        system folders and sidecars are left out without a word.

    Raises
    ------
    AudioFileError
        With the first item: the root itself is missing or unreadable. An unreadable folder
        further down is yielded as a `FoundFile` with a `problem` instead.
    InvalidPatternError
    """
    top = os.fsencode(root).rstrip(b"/") or b"/"
    single = find_file(top)
    if single is not None:
        yield single
        return
    for folder in walk_folders(top, selection=Selection.of(include, exclude)):
        if folder.problem is not None:
            yield FoundFile(_join(top, folder.path), 0, 0, (0, 0), folder.problem)
        yield from folder.files


def find_file(path: AnyPath) -> FoundFile | None:
    """Return what one name stands for, whatever it is called; None for a folder.

    Raises
    ------
    AudioFileError
        If it is not there or cannot be looked at.
    """
    raw = os.fsencode(path)
    try:
        status = os.stat(raw)  # noqa: PTH116 - pathlib knows no bytes
    except OSError as error:
        raise from_os_error(error, path) from error
    return None if stat.S_ISDIR(status.st_mode) else _found(raw, status)


def walk_folders(
    root: AnyPath,
    *,
    under: bytes = b"",
    selection: Selection = EVERYTHING,
    after: bytes | None = None,
    watcher: Watcher = NOBODY,
) -> Iterator[FoundFolder]:
    """Read a folder and those below it, one after the other.

    Parameters
    ----------
    root : path
        Where the paths that patterns see begin.
    under : bytes
        Folder below the root to start with.
    selection : Selection
    after : bytes, optional
        Go on behind this folder (its path below the root), as a walk that was broken off there
        would have. The folder may be gone.
    watcher : Watcher

    Raises
    ------
    AudioFileError
        With the first item: the folder to start with cannot be read.
    """
    top = os.fsencode(root).rstrip(b"/") or b"/"
    reader = _Reader(top, selection, watcher)
    mark = None if after is None else _order(after)
    stack = [(under, 0)]
    trail: list[tuple[int, int]] = []
    while stack:
        path, depth = stack.pop()
        del trail[depth:]
        try:
            trail.append(reader.enter(path, trail))
            files, folders = reader.read(path, only_folders=_is_done(path, mark))
        except OSError as error:
            if depth == 0:
                raise from_os_error(error, _join(top, path)) from error
            yield FoundFolder(path, problem=from_os_error(error, _join(top, path)))
            continue
        except AudioFileError as error:
            yield FoundFolder(path, problem=error)
            continue
        if not _is_done(path, mark):
            yield FoundFolder(path, files)
        later = (folder for folder in folders if mark is None or not _is_behind(folder, mark))
        stack += [(folder, depth + 1) for folder in sorted(later, reverse=True)]


def comes_later(folder: bytes, after: bytes) -> bool:
    """Say whether a walk reads `folder` after the folder `after`; paths are below the root."""
    return _order(folder) > _order(after)


def _order(path: bytes) -> list[bytes]:
    """Return what folders are ordered by: parents come before what they hold."""
    return path.split(b"/") if path else []


def _is_done(path: bytes, mark: list[bytes] | None) -> bool:
    return mark is not None and _order(path) <= mark


def _is_behind(path: bytes, mark: list[bytes]) -> bool:
    """Say whether a folder and all it holds were read before `mark`."""
    parts = _order(path)
    return parts < mark and parts != mark[: len(parts)]


@dataclass(frozen=True, slots=True)
class _Reader:
    """Reads single folders of one tree."""

    top: bytes
    selection: Selection
    watcher: Watcher

    def enter(self, path: bytes, trail: list[tuple[int, int]]) -> tuple[int, int]:
        """Return which folder this is, unless it is one that it lies in."""
        place = _join(self.top, path)
        status = os.lstat(place) if path else os.stat(place)  # noqa: PTH116 - pathlib: no bytes
        if not stat.S_ISDIR(status.st_mode):  # a link took the folder's place just now
            raise not_a_regular_file(place, status.st_mode)
        identity = (status.st_dev, status.st_ino)
        # Some network file systems know no inode numbers and say 0 for all.
        if status.st_ino and identity in trail:
            raise AudioFileError(
                "The folder holds itself; look at how the volume is mounted.",
                code=FOLDER_LOOP,
                path=place,
            )
        return identity

    def read(self, path: bytes, *, only_folders: bool) -> tuple[list[FoundFile], list[bytes]]:
        """Return the wanted files of a folder, and the folders to go on with, below the root."""
        files: list[FoundFile] = []
        folders: list[bytes] = []
        prefix = path + b"/" if path else b""
        with os.scandir(_join(self.top, path)) as entries:
            for number, entry in enumerate(entries):
                if number % _SIGN_OF_LIFE == 0:
                    self.watcher.alive()
                name = prefix + entry.name
                if entry.is_dir(follow_symlinks=False):
                    if self.selection.enters(name):
                        folders.append(name)
                elif only_folders:
                    continue
                elif self.selection.takes(name):
                    found = self._examine(entry)
                    if found is not None:
                        files.append(found)
                elif entry.name.startswith(b"."):
                    self.watcher.hidden(entry.path)
        files.sort()
        return files, folders

    def _examine(self, entry: os.DirEntry[bytes]) -> FoundFile | None:
        try:
            if entry.is_symlink():
                return _examine_link(entry, self.top)
            return _found(entry.path, entry.stat(follow_symlinks=False))
        except OSError as error:  # vanished since the folder was read, or a link to nowhere
            return FoundFile(entry.path, 0, 0, (0, 0), from_os_error(error, entry.path))


def _join(top: bytes, path: bytes) -> bytes:
    return top.rstrip(b"/") + b"/" + path if path else top


def _examine_link(entry: os.DirEntry[bytes], top: bytes) -> FoundFile | None:
    target = os.path.realpath(entry.path, strict=True)
    if target.startswith(os.path.realpath(top).rstrip(b"/") + b"/"):
        return None
    problem = AudioFileError(
        "The symbolic link leads out of the library; copy the sound in, or register its own "
        "folder as a library.",
        code=ReadErrorCode.NOT_A_REGULAR_FILE,
        path=entry.path,
    )
    return _found(entry.path, entry.stat(follow_symlinks=False), problem)


def _found(path: bytes, status: os.stat_result, problem: AudioFileError | None = None) -> FoundFile:
    if problem is None and not stat.S_ISREG(status.st_mode):
        problem = not_a_regular_file(path, status.st_mode)
    inode = (status.st_dev, status.st_ino)
    return FoundFile(
        path, status.st_size, status.st_mtime_ns, inode, problem, ctime_ns=status.st_ctime_ns
    )


_KINDS = (
    (stat.S_ISDIR, "a folder"),
    (stat.S_ISFIFO, "a named pipe"),
    (stat.S_ISSOCK, "a socket"),
    (stat.S_ISCHR, "a device"),
    (stat.S_ISBLK, "a device"),
)


def not_a_regular_file(path: AnyPath, mode: int) -> AudioFileError:
    """Return the error for something that has a name but is no file."""
    kind = next((words for test, words in _KINDS if test(mode)), "something else")
    return AudioFileError(
        f"This is {kind}, not a sound file; remove it from the library or rename it.",
        code=ReadErrorCode.NOT_A_REGULAR_FILE,
        path=path,
    )
