"""The bytes of uploads: where they lie until there is an answer, and no longer."""

from __future__ import annotations

import os
import re
import time
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from pathlib import Path

from django.conf import settings

STRAY_SECONDS = 900
"""A file no row knows is left alone so long: it may still be being received."""

_BYTES = re.compile(r"[0-9a-f]{32}(\.part)?")


def folder() -> Path:
    """Return the folder of uploads, made if it is not there; nobody else may look into it."""
    place: Path = settings.DATA_DIR / "uploads"
    place.mkdir(mode=0o700, parents=True, exist_ok=True)
    return place


def bytes_of(upload_id: str) -> Path:
    """Return where the bytes of an upload are, or were."""
    return folder() / upload_id


def has_bytes(upload_id: str) -> bool:
    """Say whether the bytes of an upload are on this machine."""
    return bytes_of(upload_id).is_file()


def remove_bytes(upload_id: str) -> None:
    """Delete the bytes of an upload; harmless where there are none."""
    bytes_of(upload_id).unlink(missing_ok=True)


@dataclass
class Received:
    """A file on its way in: written piece by piece, then kept under an id or given up.

    Parameters
    ----------
    upload_id : str
        Of the upload that it is to become.
    """

    upload_id: str
    size: int = 0

    def __post_init__(self) -> None:
        self._path = folder() / f"{self.upload_id}.part"
        self._file = os.open(
            self._path, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, mode=0o600
        )

    def write(self, data: bytes) -> None:
        """Add a piece."""
        left = memoryview(data)
        while left:
            left = left[os.write(self._file, left) :]
        self.size += len(data)

    def keep(self) -> None:
        """Let it be the bytes of the upload; the row must follow."""
        self._close()
        self._path.rename(bytes_of(self.upload_id))

    def discard(self) -> None:
        """Delete it; harmless when it was kept."""
        self._close()
        self._path.unlink(missing_ok=True)

    def _close(self) -> None:
        if self._file >= 0:
            os.close(self._file)
            self._file = -1


def list_stray(known: Collection[str], finished: Collection[str]) -> Iterator[Path]:
    """Yield files that belong to no upload any more.

    Parameters
    ----------
    known : collection of str
        Ids of the uploads without an answer.
    finished : collection of str
        Ids of those with one: whoever answered was killed before the bytes were deleted.
    """
    now = time.time()
    for path in folder().iterdir():
        if not _BYTES.fullmatch(path.name) or path.name in known:
            continue
        if path.name in finished:
            yield path
            continue
        try:
            age = now - path.stat().st_mtime
        except FileNotFoundError:
            continue
        if age > STRAY_SECONDS:
            yield path
