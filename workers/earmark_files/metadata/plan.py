"""Values that pass between planning, writing and undoing; all of them immutable."""

from __future__ import annotations

import base64
import json
import os
import zlib
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from earmark_files.metadata.document import Payload
from earmark_files.metadata.errors import RecordError
from earmark_files.metadata.merge import Skip
from earmark_files.metadata.policy import Policy
from earmark_files.metadata.source import Splice

SCHEMA = "earmark-undo/2"


@dataclass(frozen=True)
class Snapshot:
    """State of a file; together the two digests cover every byte of it.

    Attributes
    ----------
    size : int
        Bytes; -1 when the file does not exist.
    mtime_ns : int
        Modification time; 0 where it is not known yet.
    payload : str
        Hash of the audio payload (`earmark_files.identity`).
    rest : str
        Hash of all other bytes and their positions.
    """

    size: int
    mtime_ns: int
    payload: str
    rest: str

    @property
    def exists(self) -> bool:
        """Whether there is a file."""
        return self.size >= 0

    def same_content(self, other: Snapshot) -> bool:
        """Whether both stand for the same bytes."""
        mine = (self.size, self.payload, self.rest)
        return mine == (other.size, other.payload, other.rest)


ABSENT = Snapshot(-1, 0, "", "")


@dataclass(frozen=True)
class FieldChange:
    """One line of a diff: what a slot said and what it will say."""

    field: str
    slot: str
    before: str
    after: str


@dataclass(frozen=True)
class UndoRecord:
    """Everything needed to take a write back, byte for byte.

    Attributes
    ----------
    path : Path
        The file that was (or is to be) written: the sound, or its sidecar.
    container : str
        Kind of file.
    before, after : Snapshot
        The file as it was and as the write leaves it.
    restore : tuple of Splice
        Original bytes of every region the write touched, placed in the new file.
    """

    path: Path
    container: str
    before: Snapshot
    after: Snapshot
    restore: tuple[Splice, ...]

    def to_json(self) -> dict[str, Any]:
        """Return plain JSON values; text is ASCII, so any database column can hold it."""
        return {
            "schema": SCHEMA,
            "path": base64.b64encode(os.fsencode(self.path)).decode(),
            "container": self.container,
            "before": asdict(self.before),
            "after": asdict(self.after),
            "restore": [
                {
                    "offset": s.offset,
                    "length": s.length,
                    "original": base64.b64encode(zlib.compress(s.data, 6)).decode(),
                }
                for s in self.restore
            ],
        }

    def dumps(self) -> str:
        """Return `to_json` as one line of text."""
        return json.dumps(self.to_json(), separators=(",", ":"))

    @classmethod
    def from_json(cls, record: Mapping[str, Any]) -> UndoRecord:
        """Read what `to_json` wrote.

        Raises
        ------
        RecordError
            When the record is damaged or from a newer version.
        """
        try:
            if record["schema"] != SCHEMA:
                raise RecordError(f"The undo record is of the unknown kind {record['schema']!r}.")
            return cls(
                path=Path(os.fsdecode(base64.b64decode(record["path"], validate=True))),
                container=str(record["container"]),
                before=Snapshot(**record["before"]),
                after=Snapshot(**record["after"]),
                restore=tuple(
                    Splice(
                        int(s["offset"]),
                        int(s["length"]),
                        zlib.decompress(base64.b64decode(s["original"], validate=True)),
                    )
                    for s in record["restore"]
                ),
            )
        except (KeyError, TypeError, ValueError, zlib.error) as error:
            raise RecordError(f"The undo record is damaged ({error}).") from error

    @classmethod
    def loads(cls, text: str) -> UndoRecord:
        """Read what `dumps` wrote; raises `RecordError`."""
        try:
            record = json.loads(text)
        except ValueError as error:
            raise RecordError(f"The undo record is not JSON ({error}).") from error
        return cls.from_json(record)


@dataclass(frozen=True)
class WritePlan:
    """What a write would do, worked out and checked without touching the file.

    Attributes
    ----------
    path : Path
        The sound the tags are about.
    target : Path
        The file that will be written: the sound itself (links resolved) or a sidecar.
    container : str
        ``wav``, ``aiff``, ``flac``, ``vorbis``, ``opus``, ``mp3``, ``mp4`` or ``sidecar``.
    changes : tuple of FieldChange
        The diff, by field and container slot.
    skips : tuple of Skip
        What was wanted but is not written, with reasons.
    notes : tuple of str
        Oddities of the file, and the repairs that come with a write.
    undo : UndoRecord
        Takes the write back. Store it before `apply`, then nothing is lost in a crash.
    splices : tuple of Splice
        The change itself.
    audio_before, audio_after : Payload
        Where the audio lies, and where it will lie.
    expected : mapping of str to str
        Slot texts that will be read back from the new file.
    policy : Policy
        Rules it was made under.
    """

    path: Path
    target: Path
    container: str
    changes: tuple[FieldChange, ...]
    skips: tuple[Skip, ...]
    notes: tuple[str, ...]
    undo: UndoRecord
    splices: tuple[Splice, ...]
    audio_before: Payload
    audio_after: Payload
    expected: Mapping[str, str]
    policy: Policy

    @property
    def snapshot(self) -> Snapshot:
        """The file as it was when the plan was made."""
        return self.undo.before

    @property
    def is_noop(self) -> bool:
        """Whether the file already says what is wanted."""
        return not self.splices

    @property
    def new_size(self) -> int:
        """Bytes of the file after the write."""
        return self.undo.after.size


@dataclass(frozen=True)
class WriteResult:
    """What `apply` or `undo` did.

    Attributes
    ----------
    path : Path
        File that was written.
    status : str
        ``written``, ``unchanged``, ``removed`` or ``undone``.
    method : str
        ``copy``, ``in_place`` or ``none``.
    record : UndoRecord or None
        Takes this very act back; None when nothing was done.
    changes : tuple of FieldChange
        What is different now.
    """

    path: Path
    status: str
    method: str
    record: UndoRecord | None
    changes: tuple[FieldChange, ...] = ()
