"""Counts how often files of a folder are opened, by whatever process: inotify(7)."""

from __future__ import annotations

import ctypes
import os
import struct
from collections import Counter
from pathlib import Path

_IN_OPEN = 0x20
_EVENT = struct.Struct("iIII")


class OpenCounter:
    """From its making on, until `close`."""

    def __init__(self, folder: Path) -> None:
        libc = ctypes.CDLL(None, use_errno=True)
        self._fd = libc.inotify_init1(os.O_NONBLOCK)
        watch = libc.inotify_add_watch(self._fd, os.fsencode(folder), _IN_OPEN)
        assert self._fd >= 0, os.strerror(ctypes.get_errno())
        assert watch >= 0, os.strerror(ctypes.get_errno())

    def close(self) -> Counter[str]:
        """End the watch and return the number of times each file was opened."""
        opened: Counter[str] = Counter()
        while True:
            try:
                data = os.read(self._fd, 1 << 20)
            except BlockingIOError:
                break
            while data:
                _, mask, _, length = _EVENT.unpack_from(data)
                name = data[_EVENT.size : _EVENT.size + length].rstrip(b"\0")
                assert mask & _IN_OPEN, "the kernel dropped events"
                opened[os.fsdecode(name)] += 1
                data = data[_EVENT.size + length :]
        os.close(self._fd)
        del opened[""]  # the folder itself
        return opened
