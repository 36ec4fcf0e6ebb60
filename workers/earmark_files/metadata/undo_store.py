"""Undo records as files in a folder, for writes that no database knows of."""

from __future__ import annotations

import contextlib
import hashlib
import os
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from earmark_files.metadata.disk import Disk
from earmark_files.metadata.errors import RecordError
from earmark_files.metadata.plan import UndoRecord
from earmark_files.metadata.sidecar import sidecar_path


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
        disk = Disk()
        for folder in (stack, self.folder):
            disk.sync_folder(folder)
        return place

    def places(self, path: Path) -> Iterator[Path]:
        """Yield where the records of a sound file lie, the newest first; see `load`."""
        yield from sorted(self._stack(path).glob("*.json"), reverse=True)

    def load(self, place: Path) -> UndoRecord:
        """Read a record.

        Raises
        ------
        RecordError
            When it is damaged. A crash while it was stored leaves one; its write was never begun.
        """
        return UndoRecord.loads(place.read_text("ascii", errors="replace"))

    def follow(self, old: Path, new: Path) -> None:
        """Let the records of a sound file follow it to its new name, those of its sidecar too."""
        sound, beside = Path(os.path.realpath(old)), Path(os.path.realpath(new))
        names = {sound: beside, sidecar_path(sound): sidecar_path(beside)}
        for place in sorted(self.places(old)):
            stored = place.stat()
            try:
                record = self.load(place)
            except RecordError:
                continue  # its write was never begun; see `load`
            there = self.push(new, replace(record, path=names.get(record.path, record.path)))
            os.utime(there, ns=(stored.st_atime_ns, stored.st_mtime_ns))
            place.unlink()

    def prune(self, before: float) -> int:
        """Delete records that were stored before a time (seconds since 1970); return how many.

        Folders stay, so that a record that is being stored at this moment has one.
        """
        count = 0
        for place in self.folder.glob("*/*.json"):
            # Another command may be deleting them, too.
            with contextlib.suppress(FileNotFoundError):
                if place.stat().st_mtime < before:
                    place.unlink()
                    count += 1
        return count

    def _stack(self, path: Path) -> Path:
        name = os.fsencode(os.path.realpath(path))
        return self.folder / hashlib.blake2b(name, digest_size=16).hexdigest()
