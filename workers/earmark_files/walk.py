"""Which sound files a folder holds: names and stat data only, no file is opened.

Symbolic links are not followed: one that points into the library names a sound that is found under
its real name anyway, one that points out of it must not be written to, and not following them ends
every loop. The order is that of the sorted names, the same on every run.
"""

from __future__ import annotations

import fnmatch
import os
import re
import stat
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

from earmark_files.errors import AnyPath, AudioFileError, ReadErrorCode, from_os_error

AUDIO_EXTENSIONS = frozenset(
    b"aac aif aifc aiff au bwf caf flac m4a m4b mka mp2 mp3 oga ogg opus rf64 snd w64 wav wave "
    b"weba webm wma wv".split()
)

# Folders that operating systems and network storage put beside people's files.
_SYSTEM_FOLDERS = frozenset(
    {
        b"#recycle",
        b"#snapshot",
        b"$recycle.bin",
        b"@eadir",
        b"@tmp",
        b"__macosx",
        b"lost+found",
        b"recycler",
        b"system volume information",
    }
)


@dataclass(frozen=True, slots=True)
class FoundFile:
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
        Size, time and inode are then those of the name itself, or 0 where nothing is known.
    """

    path: bytes
    size: int
    mtime_ns: int
    inode: tuple[int, int]
    problem: AudioFileError | None = None


def walk(
    root: AnyPath,
    include: Iterable[str] = (),
    exclude: Iterable[str] = (),
    on_hidden: Callable[[bytes], None] | None = None,
) -> Iterator[FoundFile]:
    """Find the sound files below a folder.

    Parameters
    ----------
    root : path
        A folder, which may itself be reached through a link, or a single file.
    include : iterable of str
        Shell patterns (`fnmatch`, case ignored). A pattern with a slash is matched against the
        path below the root, one without against the last name. None: everything is wanted.
    exclude : iterable of str
        Same for what is left out; a folder that matches is not entered.
    on_hidden : callable, optional
        Called with the path of each hidden file that is passed over.

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
    """
    top = os.fsencode(root).rstrip(b"/") or b"/"
    try:
        status = os.stat(top)  # noqa: PTH116 - pathlib knows no bytes
        if not stat.S_ISDIR(status.st_mode):
            yield _found(top, status)
            return
        entries = _sorted_entries(top)
        inside = os.path.realpath(top).rstrip(b"/") + b"/"
    except OSError as error:
        raise from_os_error(error, root) from error
    selection = _Selection(len(top.rstrip(b"/")) + 1, _compile(include), _compile(exclude))
    stack = [iter(entries)]
    while stack:
        entry = next(stack[-1], None)
        if entry is None:
            stack.pop()
        elif entry.is_dir(follow_symlinks=False):
            if not selection.enters(entry):
                continue
            try:
                stack.append(iter(_sorted_entries(entry.path)))
            except OSError as error:
                problem = from_os_error(error, entry.path)
                yield FoundFile(entry.path, 0, 0, (0, 0), problem)
        elif entry.name.startswith(b"."):
            if on_hidden is not None:
                on_hidden(entry.path)
        elif selection.takes(entry):
            found = _examine(entry, inside)
            if found is not None:
                yield found


def _sorted_entries(folder: bytes) -> list[os.DirEntry[bytes]]:
    with os.scandir(folder) as entries:
        return sorted(entries, key=lambda entry: entry.name)


def _compile(patterns: Iterable[str]) -> tuple[re.Pattern[str] | None, re.Pattern[str] | None]:
    """Join shell patterns into one expression for names and one for paths."""
    names: list[str] = []
    paths: list[str] = []
    for pattern in patterns:
        bucket = paths if "/" in pattern.rstrip("/") else names
        bucket.append(fnmatch.translate(pattern.strip("/")))
    name, path = (re.compile("|".join(group), re.I) if group else None for group in (names, paths))
    return name, path


@dataclass(frozen=True, slots=True)
class _Selection:
    """Which entries of a folder are wanted."""

    prefix: int  # length of the root and its slash, to cut them off
    include: tuple[re.Pattern[str] | None, re.Pattern[str] | None]
    exclude: tuple[re.Pattern[str] | None, re.Pattern[str] | None]

    def enters(self, folder: os.DirEntry[bytes]) -> bool:
        if folder.name.startswith(b".") or folder.name.lower() in _SYSTEM_FOLDERS:
            return False
        return not self._matches(self.exclude, folder)

    def takes(self, entry: os.DirEntry[bytes]) -> bool:
        if not is_audio_name(entry.name):
            return False
        wanted = self.include == (None, None) or self._matches(self.include, entry)
        return wanted and not self._matches(self.exclude, entry)

    def _matches(
        self,
        patterns: tuple[re.Pattern[str] | None, re.Pattern[str] | None],
        entry: os.DirEntry[bytes],
    ) -> bool:
        name, path = patterns
        if name is not None and name.match(os.fsdecode(entry.name)):
            return True
        return path is not None and path.match(os.fsdecode(entry.path[self.prefix :])) is not None


def is_audio_name(name: bytes) -> bool:
    """Say whether a file name ends like those of sound files do, in any case."""
    return name.rpartition(b".")[2].lower() in AUDIO_EXTENSIONS and b"." in name


def _examine(entry: os.DirEntry[bytes], inside: bytes) -> FoundFile | None:
    try:
        if entry.is_symlink():
            return _examine_link(entry, inside)
        return _found(entry.path, entry.stat(follow_symlinks=False))
    except OSError as error:  # vanished since the folder was read, or a link to nowhere
        return FoundFile(entry.path, 0, 0, (0, 0), from_os_error(error, entry.path))


def _examine_link(entry: os.DirEntry[bytes], inside: bytes) -> FoundFile | None:
    target = os.path.realpath(entry.path, strict=True)
    if target.startswith(inside):
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
    return FoundFile(path, status.st_size, status.st_mtime_ns, inode, problem)


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
