"""Change tags that lie behind the audio inside the file, for files too big to copy lightly.

Never done unless the policy asks for it (`Policy.in_place_from`); docs/adr/0004 tells when it is
worth it. The audio is not opened to writing at all: every write is either behind it, or replaces a
size field in front of it. The old bytes are on the disk, in a journal beside the file, before the
first of them is changed; after a crash the next run puts them back (`recover`).
"""

from __future__ import annotations

import base64
import hashlib
import json
import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import structlog

from earmark_files.metadata import temporaries
from earmark_files.metadata.disk import Disk
from earmark_files.metadata.document import MAX_METADATA_BYTES, Payload
from earmark_files.metadata.errors import ConflictError, RecordError, WriteFailedError
from earmark_files.metadata.source import FileSource, Source, Splice, SplicedSource, read_exact

log = structlog.get_logger(__name__)

SCHEMA = "earmark-journal/1"
_MAX_HEADER = 4096


@dataclass(frozen=True)
class Regions:
    """The parts of a file that are overwritten, as they are on one side of the write.

    Attributes
    ----------
    heads : tuple of (int, bytes)
        Offset and content of size fields in front of the audio.
    tail : int
        Offset from which everything is replaced.
    content : bytes
        What lies there, up to the end of the file.
    """

    heads: tuple[tuple[int, bytes], ...]
    tail: int
    content: bytes

    @property
    def size(self) -> int:
        """Bytes of the whole file."""
        return self.tail + len(self.content)


@dataclass(frozen=True)
class Journal:
    """What recovery needs.

    Attributes
    ----------
    old, new : Regions
        The overwritten parts before and after.
    frame : str
        Digest of everything in front of the tail that is neither audio nor overwritten.
    audio : tuple of (int, int)
        Spans of the audio.
    """

    old: Regions
    new: Regions
    frame: str
    audio: tuple[tuple[int, int], ...]

    def dumps(self) -> bytes:
        """Return one line of JSON and a line with its digest."""

        def plain(regions: Regions) -> dict[str, object]:
            heads = [[o, base64.b64encode(b).decode()] for o, b in regions.heads]
            content = base64.b64encode(regions.content).decode()
            return {"heads": heads, "tail": regions.tail, "content": content}

        record: dict[str, object] = {
            "schema": SCHEMA,
            "old": plain(self.old),
            "new": plain(self.new),
            "frame": self.frame,
            "audio": self.audio,
        }
        line = json.dumps(record, separators=(",", ":")).encode()
        return line + b"\n" + hashlib.blake2b(line).hexdigest().encode() + b"\n"

    @classmethod
    def loads(cls, data: bytes) -> Journal:
        """Read what `dumps` wrote; raises `RecordError` for anything else."""

        def regions(value: dict[str, Any]) -> Regions:
            heads = tuple((int(o), base64.b64decode(b)) for o, b in value["heads"])
            return Regions(heads, int(value["tail"]), base64.b64decode(value["content"]))

        try:
            line, digest, _ = data.split(b"\n")
            record = json.loads(line)
            if hashlib.blake2b(line).hexdigest().encode() != digest or record["schema"] != SCHEMA:
                raise RecordError("The journal of an interrupted write is damaged.")
            audio = tuple((int(o), int(n)) for o, n in record["audio"])
            return cls(regions(record["old"]), regions(record["new"]), record["frame"], audio)
        except (ValueError, KeyError, TypeError) as error:
            raise RecordError(
                f"The journal of an interrupted write is damaged ({error})."
            ) from error


def plan_in_place(source: Source, payload: Payload, splices: Sequence[Splice]) -> Journal | None:
    """Return the journal of a write in place, or None when the audio would have to move."""
    end = max(offset + length for offset, length in payload.spans)
    heads = [s for s in splices if s.offset < end]
    tails = [s for s in splices if s.offset >= end]
    if not tails:
        return None
    if any(s.growth or s.length > _MAX_HEADER for s in heads) or _touches(heads, payload):
        return None
    tail = tails[0].offset
    future = SplicedSource(source, splices)
    if max(source.size, future.size) - tail > MAX_METADATA_BYTES:
        return None
    old = Regions(
        tuple((s.offset, read_exact(source, s.offset, s.length)) for s in heads),
        tail,
        read_exact(source, tail, source.size - tail),
    )
    new = Regions(
        tuple((s.offset, s.data) for s in heads),
        tail,
        read_exact(future, tail, future.size - tail),
    )
    return Journal(old, new, _frame_digest(source, payload.spans, old), payload.spans)


def _touches(heads: Sequence[Splice], payload: Payload) -> bool:
    return any(s.offset < o + n and o < s.end for s in heads for o, n in payload.spans)


def _frame_digest(source: Source, audio: Sequence[tuple[int, int]], regions: Regions) -> str:
    """Hash what must be the same before, during and after the write, except the audio."""
    state = hashlib.blake2b(digest_size=20)
    position = 0
    holes = sorted([*audio, *((o, len(b)) for o, b in regions.heads), (regions.tail, 0)])
    for offset, length in holes:
        if offset > position:
            state.update(source.read(position, offset - position))
        position = max(position, offset + length)
    return state.hexdigest()


def write_in_place(path: Path, journal: Journal, disk: Disk, *, mtime_ns: int | None) -> None:
    """Carry out a write; on any error put everything back.

    The order matters: room is reserved first, so that a full disk is noticed while nothing has
    changed; the tail comes before the size fields, so that a program that reads the file in
    between sees the old form, complete, with bytes behind it.
    """
    _store(path, journal.dumps(), disk)
    descriptor = disk.open_for_change(path)
    try:
        try:
            disk.reserve(descriptor, journal.new.tail, journal.new.size)
            _overwrite(descriptor, journal.new, disk)
            if mtime_ns is not None:
                disk.set_mtime(descriptor, mtime_ns)
                disk.sync(descriptor)
        except BaseException as error:
            _put_back(path, descriptor, journal, disk, error)
            raise
    finally:
        os.close(descriptor)


def _put_back(
    path: Path, descriptor: int, journal: Journal, disk: Disk, cause: BaseException
) -> None:
    """Undo a write that failed half-way; leave the journal if that fails too."""
    try:
        _overwrite(descriptor, journal.old, disk)
        finish(path, disk)
    except OSError as error:
        raise WriteFailedError(
            f"Writing into the file failed ({cause}), and so did putting the old tags back "
            f"({error}). The audio is untouched; the old bytes are safe in "
            f"{temporaries.journal_name(path).name} and are put back by the next run.",
            code="interrupted_write",
            path=path,
        ) from error


def finish(path: Path, disk: Disk) -> None:
    """Forget the journal of a write that was verified."""
    disk.remove(temporaries.journal_name(path))
    disk.sync_folder(path.parent)


def roll_back(path: Path, journal: Journal, disk: Disk) -> None:
    """Put the old bytes back and forget the journal."""
    descriptor = disk.open_for_change(path)
    try:
        _overwrite(descriptor, journal.old, disk)
    finally:
        os.close(descriptor)
    finish(path, disk)


def _store(path: Path, data: bytes, disk: Disk) -> None:
    """Put the journal on the disk, whole or not at all."""
    record, temporary = temporaries.journal_name(path), temporaries.journal_copy_name(path)
    with temporaries.writing(temporary, disk) as descriptor:
        disk.write(descriptor, data)
        disk.sync(descriptor)
        disk.replace(temporary, record)
    disk.sync_folder(record.parent)


def _overwrite(descriptor: int, regions: Regions, disk: Disk) -> None:
    disk.write_at(descriptor, regions.content, regions.tail)
    disk.truncate(descriptor, regions.size)
    disk.sync(descriptor)
    for offset, data in regions.heads:
        disk.write_at(descriptor, data, offset)
    disk.sync(descriptor)


def recover(path: Path, disk: Disk) -> bool:
    """Finish what a killed write in place left behind; True when there was something.

    Raises
    ------
    ConflictError
        When somebody else changed the file in between: it is left as it is, and so is the
        journal, for a person to look at.
    """
    record = temporaries.journal_name(path)
    if not record.exists():
        return False
    journal = Journal.loads(record.read_bytes())
    descriptor = disk.open_for_change(path)
    try:
        if not disk.lock(descriptor):
            return False
        source = FileSource(descriptor)
        if _holds(source, journal.new):
            log.info("metadata.write_in_place_was_complete", path=str(path))
        elif _interrupted(source, journal):
            _overwrite(descriptor, journal.old, disk)
            log.warning("metadata.write_in_place_rolled_back", path=str(path))
        else:
            raise ConflictError(
                "A write into this file was interrupted, and somebody else changed it before "
                f"Earmark could put it right. Look at {record.name} and delete it if the file "
                "is as you want it.",
                code="interrupted_write",
                path=path,
            )
    finally:
        os.close(descriptor)
    finish(path, disk)
    return True


def _holds(source: Source, regions: Regions) -> bool:
    if source.size != regions.size:
        return False
    if any(source.read(offset, len(data)) != data for offset, data in regions.heads):
        return False
    return source.read(regions.tail, len(regions.content)) == regions.content


def _interrupted(source: Source, journal: Journal) -> bool:
    """Whether the file is some mixture of old and new, and nothing else."""
    sizes = {journal.old.size, journal.new.size}
    frame = _frame_digest(source, journal.audio, journal.old)
    heads = zip(journal.old.heads, journal.new.heads, strict=True)
    mixed = all(source.read(offset, len(old)) in (old, new) for (offset, old), (_, new) in heads)
    return min(sizes) <= source.size <= max(sizes) and frame == journal.frame and mixed
