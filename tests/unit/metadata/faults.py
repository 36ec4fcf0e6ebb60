"""File layers that fail, or kill their process, at a chosen system call."""

from __future__ import annotations

import errno
import os
import signal
from pathlib import Path
from typing import Any

from earmark_files.metadata.disk import Disk

CHANGING = (
    "create",
    "lock",
    "write",
    "copy",
    "keep_attributes",
    "sync",
    "replace",
    "sync_folder",
    "remove",
    "open_for_change",
    "reserve",
    "write_at",
    "truncate",
    "set_mtime",
)
PARTIAL = {"write", "write_at", "copy"}


class CountingDisk(Disk):
    """Counts the calls and does something at the n-th, once before it and once half-way."""

    def __init__(self, at: int = -1, *, half: bool = False) -> None:
        self.calls: list[str] = []
        self._at = at
        self._half = half

    def happen(self) -> None:
        """What befalls the chosen call."""

    def __getattribute__(self, name: str) -> Any:
        method = super().__getattribute__(name)
        if name not in CHANGING:
            return method

        def counted(*args: Any, **kwargs: Any) -> Any:
            self.calls.append(name)
            if len(self.calls) - 1 == self._at:
                if self._half and name in PARTIAL:
                    method(*_halved(name, args), **kwargs)
                self.happen()
            return method(*args, **kwargs)

        return counted


def _halved(name: str, args: tuple[Any, ...]) -> tuple[Any, ...]:
    if name == "copy":
        source, offset, length, target = args
        return source, offset, length // 2, target
    descriptor, data, *rest = args
    return descriptor, data[: len(data) // 2], *rest


class KillingDisk(CountingDisk):
    """Kills its own process, as a power failure or the out-of-memory killer would."""

    def happen(self) -> None:
        os.kill(os.getpid(), signal.SIGKILL)


class FailingDisk(CountingDisk):
    """Reports an error of the operating system."""

    def __init__(self, at: int, error: int, *, half: bool = False) -> None:
        super().__init__(at, half=half)
        self._error = error

    def happen(self) -> None:
        raise OSError(self._error, os.strerror(self._error))


class FullDisk(Disk):
    """Has no room left, and says so when asked."""

    def free_bytes(self, folder: Path) -> int:
        return 0


class LyingDisk(Disk):
    """Says that it wrote what it did not: a faulty volume."""

    def sync(self, descriptor: int) -> None:
        super().sync(descriptor)
        size = os.fstat(descriptor).st_size
        os.pwrite(descriptor, b"\0" * 16, size // 2)


ERRORS = (errno.ENOSPC, errno.EIO, errno.EROFS, errno.EACCES, errno.EDQUOT, errno.ESTALE)
