"""A volume of one's own that can turn read-only and full: a tmpfs."""

from __future__ import annotations

import contextlib
import errno
import os
import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

_FILLER = ".filler"
_SLACK = 32 << 20


@dataclass(frozen=True)
class Volume:
    """A mounted tmpfs."""

    root: Path

    @contextlib.contextmanager
    def read_only(self) -> Iterator[None]:
        """Let nobody write."""
        deadline = time.monotonic() + 10
        while not self._remount("ro"):  # refused while a file is open for writing
            if time.monotonic() > deadline:
                raise TimeoutError("the volume stayed busy")
            time.sleep(0.002)
        try:
            yield
        finally:
            if not self._remount("rw"):
                raise OSError(f"{self.root} cannot be made writable again")

    @contextlib.contextmanager
    def full(self) -> Iterator[None]:
        """Leave not a byte free."""
        filler = self.root / _FILLER
        try:
            with filler.open("wb", buffering=0) as file:
                for size in (1 << 20, 1 << 12):
                    _fill(file.fileno(), size)
            yield
        finally:
            filler.unlink(missing_ok=True)

    def _remount(self, mode: str) -> bool:
        command = ["mount", "-o", f"remount,{mode}", str(self.root)]
        return subprocess.run(command, capture_output=True, check=False).returncode == 0


def _fill(descriptor: int, size: int) -> None:
    try:
        while True:
            os.write(descriptor, bytes(size))
    except OSError as error:
        if error.errno != errno.ENOSPC:
            raise


@contextlib.contextmanager
def mounted(root: Path, size: int) -> Iterator[Volume]:
    """Mount a tmpfs for so many bytes and some more; needs root, as in containers of CI."""
    root.mkdir(parents=True)
    options = f"size={size + _SLACK}"
    subprocess.run(["mount", "-t", "tmpfs", "-o", options, "tmpfs", str(root)], check=True)
    try:
        yield Volume(root)
    finally:
        subprocess.run(["umount", "-l", str(root)], check=True)
