"""The chunks that hold markers of a WAV file: ``cue `` and ``LIST adtl``.

A cue point is a place in the sound, by sample; the list gives it a name (``labl``), a comment
(``note``) and a length (``ltxt``). Source: Multimedia Programming Interface and Data
Specifications 1.0 (IBM and Microsoft, 1991), chapter 3.
"""

from __future__ import annotations

import struct
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from earmark_files.metadata.chunks import Chunk, encode_chunk
from earmark_files.metadata.document import MAX_METADATA_BYTES
from earmark_files.metadata.errors import MalformedFileError, UnsupportedStructureError
from earmark_files.metadata.info import InfoEntry, parse_info
from earmark_files.metadata.source import Source, read_exact

_POINT = struct.Struct("<II4sIII")
_REGION = struct.Struct("<II4sHHHH")
_SAMPLER_HEADER = 36
_SAMPLER_LOOP = 24
LARGEST = 0xFFFFFFFF


@dataclass(frozen=True)
class CuePoint:
    """A place in the sound, with what the list says about it.

    Attributes
    ----------
    id : int
    offset : int
        In sample frames from the beginning of the audio.
    raw : bytes
        Its 24 bytes as found.
    label, note : str
        "" where there is none.
    length : int
        In sample frames; 0 for a mere point.
    entries : tuple of bytes
        Names of its entries in the list, sorted.
    """

    id: int
    offset: int
    raw: bytes
    label: str = ""
    note: str = ""
    length: int = 0
    entries: tuple[bytes, ...] = ()


@dataclass(frozen=True)
class CuePoints:
    """All cue points of a file, and the chunks they lie in.

    Attributes
    ----------
    points : tuple of CuePoint
        In the order of the file.
    cue, adtl : Chunk or None
    rest : bytes
        What the cue chunk holds behind its points.
    listed : tuple of InfoEntry
        The entries of the list, of every kind.
    taken : frozenset of int
        Ids that are in use, by sampler loops too.
    """

    points: tuple[CuePoint, ...] = ()
    cue: Chunk | None = None
    adtl: Chunk | None = None
    rest: bytes = b""
    listed: tuple[InfoEntry, ...] = ()
    taken: frozenset[int] = field(default_factory=frozenset)


def read_cue_points(source: Source, chunks: Iterable[Chunk]) -> CuePoints:
    """Read the cue points of a WAV file.

    Raises
    ------
    MalformedFileError
        When the chunks contradict themselves.
    UnsupportedStructureError
        When it cannot be told which of several counts.
    """
    cues, lists, loops = [], [], frozenset[int]()
    for chunk in chunks:
        if chunk.id == b"cue ":
            cues.append(chunk)
        elif chunk.id == b"LIST" and chunk.size >= 4 and source.read(chunk.body, 4) == b"adtl":
            lists.append(chunk)
        elif chunk.id == b"smpl":
            loops |= _loop_ids(_body(source, chunk))
    if len(cues) > 1 or len(lists) > 1:
        raise UnsupportedStructureError(
            "The file has more than one list of cue points, so markers cannot be added safely."
        )
    cue, adtl = next(iter(cues), None), next(iter(lists), None)
    bare, rest = _points(_body(source, cue)) if cue else ((), b"")
    listed = _entries(_body(source, adtl)) if adtl else ()
    about = defaultdict[int, list[InfoEntry]](list)
    for entry in filter(_is_about, listed):
        about[_id_of(entry)].append(entry)
    points = tuple(_described(point, about.get(point.id, [])) for point in bare)
    taken = loops | {point.id for point in points} | {_id_of(e) for e in listed if _is_about(e)}
    return CuePoints(points, cue, adtl, rest, listed, taken)


def encode_points(points: Sequence[CuePoint], rest: bytes) -> bytes:
    """Return the body of a cue chunk; points that were read keep their bytes."""
    return struct.pack("<I", len(points)) + b"".join(point.raw for point in points) + rest


def encode_list(kept: Iterable[InfoEntry], added: Iterable[CuePoint]) -> bytes:
    """Return the body of a LIST adtl chunk: entries as found, then those of new points."""
    parts = [entry.raw + b"\0" * (len(entry.raw) % 2) for entry in kept]
    for point in added:
        number = struct.pack("<I", point.id)
        region = _REGION.pack(point.id, point.length, b"rgn ", 0, 0, 0, 0)
        parts.append(encode_chunk(b"ltxt", region))
        parts.append(encode_chunk(b"labl", number + point.label.encode() + b"\0"))
        parts.append(encode_chunk(b"note", number + point.note.encode() + b"\0"))
    return b"adtl" + b"".join(parts)


def make_point(number: int, offset: int, length: int, label: str, note: str) -> CuePoint:
    """Return a new cue point of the audio chunk.

    Raises
    ------
    UnsupportedStructureError
        When a number does not fit into 32 bits.
    """
    if max(number, offset, length) > LARGEST:
        raise UnsupportedStructureError(
            "The sound is too long for cue points: they count samples with 32 bits."
        )
    raw = _POINT.pack(number, offset, b"data", 0, 0, offset)
    return CuePoint(number, offset, raw, label, note, length, (b"labl", b"ltxt", b"note"))


def entries_without(listed: Iterable[InfoEntry], ids: frozenset[int]) -> list[InfoEntry]:
    """Return the entries that are not about the given points."""
    return [entry for entry in listed if not (_is_about(entry) and _id_of(entry) in ids)]


def _body(source: Source, chunk: Chunk) -> bytes:
    if chunk.size > MAX_METADATA_BYTES:
        raise UnsupportedStructureError("The list of cue points is too large to be changed.")
    return read_exact(source, chunk.body, chunk.size)


def _points(body: bytes) -> tuple[tuple[CuePoint, ...], bytes]:
    count = struct.unpack_from("<I", body)[0] if len(body) >= 4 else 0
    end = 4 + _POINT.size * count
    if len(body) < min(end, 4) or end > len(body):
        raise MalformedFileError(
            "The cue chunk is shorter than its number of points. It is damaged."
        )
    raws = (body[at : at + _POINT.size] for at in range(4, end, _POINT.size))
    return tuple(CuePoint(_POINT.unpack(raw)[0], _POINT.unpack(raw)[5], raw) for raw in raws), body[
        end:
    ]


def _entries(body: bytes) -> tuple[InfoEntry, ...]:
    entries = parse_info(body[4:])
    if entries is None:
        raise MalformedFileError("The list of cue point names (adtl) is damaged.")
    return tuple(entries)


def _described(point: CuePoint, own: Sequence[InfoEntry]) -> CuePoint:
    label = next((_text(entry) for entry in own if entry.id == b"labl"), "")
    note = next((_text(entry) for entry in own if entry.id == b"note"), "")
    regions = [entry.raw for entry in own if entry.id == b"ltxt" and len(entry.raw) >= 16]
    length = struct.unpack_from("<I", regions[0], 12)[0] if regions else 0
    kinds = tuple(sorted(entry.id for entry in own))
    return CuePoint(point.id, point.offset, point.raw, label, note, length, kinds)


def _is_about(entry: InfoEntry) -> bool:
    """Whether an entry belongs to a cue point: all kinds the format knows begin with its id."""
    return entry.id in (b"labl", b"note", b"ltxt", b"file") and len(entry.raw) >= 12


def _id_of(entry: InfoEntry) -> int:
    return int(struct.unpack_from("<I", entry.raw, 8)[0])


def _text(entry: InfoEntry) -> str:
    size = struct.unpack_from("<I", entry.raw, 4)[0]
    raw = entry.raw[12 : 8 + size].split(b"\0", 1)[0]
    try:
        return raw.decode("utf-8")
    except UnicodeDecodeError:
        return raw.decode("cp1252", errors="replace")


def _loop_ids(body: bytes) -> frozenset[int]:
    """Return the cue points that a sampler chunk's loops mean."""
    starts = range(_SAMPLER_HEADER, len(body) - _SAMPLER_LOOP + 1, _SAMPLER_LOOP)
    return frozenset(struct.unpack_from("<I", body, at)[0] for at in starts)
