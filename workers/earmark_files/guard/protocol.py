"""The messages between a process and its decoder child.

Length-prefixed binary: a header, then a payload of raw samples or a small JSON object. Nothing
that is received is ever executed or unpickled, since the child handles hostile files.
"""

from __future__ import annotations

import json
import os
import struct
from dataclasses import asdict, dataclass
from enum import IntEnum
from typing import TYPE_CHECKING, Any

from earmark_files.decoding.reader import AudioInfo

if TYPE_CHECKING:
    from earmark_files.identity import AudioIdentity

HEADER = struct.Struct("<BIQ")  # kind, request number, bytes of payload
RATE = struct.Struct("<I")  # hertz
TOTALS = struct.Struct("<Qf")  # frames, and the peak of their mono mix
MAX_JSON_BYTES = 1 << 20
PIPE_BYTES = 1 << 20  # lets the child decode ahead while the parent works


class Kind(IntEnum):
    """What a message is; the comment says what it carries."""

    # parent -> child
    STREAM = 1  # StreamRequest
    PROBE = 2  # path
    IDENTIFY = 3  # path
    CANCEL = 4  # nothing: the answer to this request is not wanted any more
    # child -> parent
    READY = 10  # nothing: libraries are loaded, limits are set
    INFO = 11  # AudioInfo as JSON
    BLOCK = 12  # RATE, then float32 samples, native byte order
    END = 13  # TOTALS of what was decoded: the stream is complete, or was cancelled
    IDENTITY = 14  # AudioIdentity as JSON
    ERROR = 15  # RemoteError as JSON


class ProtocolError(Exception):
    """The other side sent something it must not send."""


@dataclass(frozen=True, slots=True)
class StreamRequest:
    """What to decode, and how."""

    sample_rates: tuple[int, ...]
    block_seconds: float
    path: bytes

    _LAYOUT = struct.Struct("<Bd")  # number of rates, which follow, and seconds

    def pack(self) -> bytes:
        """Return the payload of a `STREAM` message."""
        rates = b"".join(map(RATE.pack, self.sample_rates))
        return self._LAYOUT.pack(len(self.sample_rates), self.block_seconds) + rates + self.path

    @classmethod
    def unpack(cls, payload: bytes) -> StreamRequest:
        """Read the payload of a `STREAM` message."""
        count, seconds = cls._LAYOUT.unpack_from(payload)
        end = cls._LAYOUT.size + count * RATE.size
        rates = tuple(rate for (rate,) in RATE.iter_unpack(payload[cls._LAYOUT.size : end]))
        return cls(rates, seconds, payload[end:])


@dataclass(frozen=True, slots=True)
class RemoteError:
    """An `AudioFileError` on its way to the parent, which adds the path."""

    code: str
    message: str
    retryable: bool


def pack_json(value: AudioInfo | AudioIdentity | RemoteError) -> bytes:
    """Return a value as the payload of a message."""
    return json.dumps(asdict(value)).encode()


def unpack_json(payload: bytes, fields: dict[str, tuple[type, ...]]) -> dict[str, Any]:
    """Read the payload of a JSON message that must hold exactly these fields of these types.

    Raises
    ------
    ProtocolError
        It holds anything else.
    """
    try:
        value = json.loads(payload)
    except ValueError as error:
        raise ProtocolError("not JSON") from error
    if not isinstance(value, dict) or value.keys() != fields.keys():
        raise ProtocolError(f"unexpected fields: {value!r}")
    for name, kinds in fields.items():
        if type(value[name]) not in kinds:
            raise ProtocolError(f"unexpected type of {name}: {value[name]!r}")
    return value


def write_all(fd: int, *parts: bytes | memoryview) -> None:
    """Write all bytes of several buffers to a blocking descriptor."""
    rest = [view for part in parts if (view := memoryview(part).cast("B"))]
    while rest:
        written = os.writev(fd, rest)
        while rest and written >= len(rest[0]):
            written -= len(rest.pop(0))
        if rest:
            rest[0] = rest[0][written:]


def read_exactly(fd: int, length: int) -> bytes | None:
    """Read from a blocking descriptor; None if it ends before that."""
    pieces = []
    while length:
        piece = os.read(fd, length)
        if not piece:
            return None
        pieces.append(piece)
        length -= len(piece)
    return b"".join(pieces)
