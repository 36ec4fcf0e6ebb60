"""Undo records as files in a folder, for writes that no database knows of."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from earmark_files.metadata.plan import UndoRecord


@dataclass(frozen=True)
class UndoStore:
    """A stack of records for every sound file.

    Attributes
    ----------
    folder : Path
        Where the records lie; made when the first one is stored.
    """

    folder: Path

    def push(self, path: Path, record: UndoRecord) -> Path:
        """Store a record on the disk before its write is done; returns where it lies."""
        stack = self._stack(path)
        stack.mkdir(parents=True, exist_ok=True)
        number = 1 + max((int(p.stem) for p in stack.glob("*.json")), default=0)
        place = stack / f"{number:08}.json"
        with place.open("x", encoding="ascii") as file:
            file.write(record.dumps())
            file.flush()
            os.fsync(file.fileno())
        return place

    def records(self, path: Path) -> Iterator[tuple[Path, UndoRecord]]:
        """Yield the records of a sound file and where they lie, the newest first."""
        for place in sorted(self._stack(path).glob("*.json"), reverse=True):
            yield place, UndoRecord.loads(place.read_text("ascii"))

    def _stack(self, path: Path) -> Path:
        name = os.fsencode(os.path.realpath(path))
        return self.folder / hashlib.blake2b(name, digest_size=16).hexdigest()
