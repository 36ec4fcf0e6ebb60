"""What became of files that have rows but were not found: gone, left out, or not to be known.

Nothing is called gone that could not be looked at: a folder that cannot be read, a fault of the
network or a root that went away leave the rows as they are.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Callable, Iterator
from enum import Enum
from pathlib import Path
from typing import NamedTuple

from earmark.library.models import AudioFile, Library
from earmark.library.paths import to_location
from earmark.library.services.storing import store_excluded, store_vanished
from earmark_files.paths import text_to_path
from earmark_files.selection import Selection
from earmark_files.walk import comes_later

_FOLDERS_AT_ONCE = 200
_ROWS_AT_ONCE = 2000


class _Fate(Enum):
    GONE = "gone"
    LEFT_OUT = "left out"
    THERE = "there"
    UNKNOWN = "unknown"


class Marked(NamedTuple):
    """How many rows were marked as missing, and as left out."""

    vanished: int = 0
    excluded: int = 0


class Vanishing:
    """Finds out about the rows of one scan whose files were not found, and marks them.

    Parameters
    ----------
    library : Library
    selection : Selection
    check_volume : callable
        Raises when the root is not what it was; called before anything is marked.
    alive : callable
        Called now and then while many files are looked at.
    """

    def __init__(
        self,
        library: Library,
        selection: Selection,
        *,
        check_volume: Callable[[], None],
        alive: Callable[[], None],
    ) -> None:
        self._library = library
        self._selection = selection
        self._check_volume = check_volume
        self._alive = alive
        self._root = Path(os.path.realpath(library.location))
        self._blocked: set[str] = set()
        self._waiting: list[tuple[int, str]] = []

    def block(self, folder: str) -> None:
        """Leave everything in a folder as it is: it could not be read."""
        self._blocked.add(folder)

    def add(self, rows: list[tuple[int, str]]) -> None:
        """Take rows, by key and path, whose files were not found in folders that were read."""
        self._waiting += rows

    def mark(self) -> Marked:
        """Mark those that are gone or left out."""
        fates = [(pk, self._fate_of_file(path)) for pk, path in self._waiting]
        self._waiting.clear()
        return self._store(fates)

    def mark_unread(self, under: str, read: set[int], after: bytes | None) -> Iterator[Marked]:
        """Mark the files of folders that no walk comes to, some at a time.

        Parameters
        ----------
        under : str
            Where the scan began.
        read : set of int
            Keys of the folders that were read.
        after : bytes, optional
            The folder behind which this walk began: those before it were read by another.
        """
        files = AudioFile.objects.filter(library=self._library)
        keys = files.order_by().values_list("folder_key", flat=True).distinct()
        unread = [key for key in keys.iterator(chunk_size=_ROWS_AT_ONCE) if key not in read]
        for start in range(0, len(unread), _FOLDERS_AT_ONCE):
            some = files.filter(folder_key__in=unread[start : start + _FOLDERS_AT_ONCE])
            rows = some.on_disk().under(under).values_list("pk", "path").order_by()
            fates: list[tuple[int, _Fate]] = []
            folders: dict[str, _Fate] = {}
            for pk, path in rows.iterator(chunk_size=_ROWS_AT_ONCE):
                folder = path.rpartition("/")[0]
                if folder not in folders:
                    folders[folder] = self._fate_of_folder(folder, after)
                fate = folders[folder]
                fates.append((pk, self._fate_of_file(path) if fate is _Fate.THERE else fate))
            yield self._store(fates)

    def _store(self, fates: list[tuple[int, _Fate]]) -> Marked:
        if not fates:
            return Marked()
        self._check_volume()
        gone = [pk for pk, fate in fates if fate is _Fate.GONE]
        left_out = [pk for pk, fate in fates if fate is _Fate.LEFT_OUT]
        return Marked(store_vanished(self._library, gone), store_excluded(left_out))

    def _fate_of_folder(self, folder: str, after: bytes | None) -> _Fate:
        """Tell what is known of all files right in a folder; `THERE`: each is to be looked at."""
        if self._is_blocked(folder):
            return _Fate.UNKNOWN
        location = to_location(self._library.root, folder)
        try:
            is_folder = stat.S_ISDIR(os.lstat(location).st_mode)
        except (FileNotFoundError, NotADirectoryError):
            return _Fate.GONE
        except OSError:
            return _Fate.UNKNOWN
        raw = text_to_path(folder) if folder else b""
        if not is_folder or Path(os.path.realpath(location)) != self._root / os.fsdecode(raw):
            return _Fate.GONE  # a link has taken its place: what is behind it is not the library
        if not self._selection.reaches(raw):
            return _Fate.LEFT_OUT
        read_before = after is not None and not comes_later(raw, after)
        return _Fate.UNKNOWN if read_before else _Fate.THERE

    def _fate_of_file(self, path: str) -> _Fate:
        """Look again: a worker may have recognised a move in the meantime."""
        self._alive()
        try:
            is_file = stat.S_ISREG(os.lstat(to_location(self._library.root, path)).st_mode)
        except (FileNotFoundError, NotADirectoryError):
            return _Fate.GONE
        except OSError:
            return _Fate.UNKNOWN  # it cannot be looked at, which is not the same as being gone
        if not is_file:
            return _Fate.GONE
        return _Fate.LEFT_OUT if self._selection.leaves_out(text_to_path(path)) else _Fate.THERE

    def _is_blocked(self, folder: str) -> bool:
        parts = folder.split("/") if folder else []
        places = ("/".join(parts[:end]) for end in range(len(parts) + 1))
        return any(place in self._blocked for place in places)
