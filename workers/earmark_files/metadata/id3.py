"""ID3v2 tags as lists of raw frames: only Earmark's own frames are ever encoded anew.

Frames are cut out by their headers and kept byte for byte; `id3_frames` decodes and encodes the
few that Earmark reads or writes. Works for versions 2.2, 2.3 and 2.4, each kept as found.
Source: id3.org, ID3 tag versions 2.2.0, 2.3.0 and 2.4.0.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from earmark_files.metadata.id3_frames import (
    SLOTS,
    Id3Error,
    RawFrame,
    encode_frames,
    identify,
    to_synchsafe,
)

HEADER = 10
UNSYNC, EXTENDED, FOOTER = 0x80, 0x40, 0x10


@dataclass(frozen=True)
class Id3Tag:
    """A parsed tag.

    Attributes
    ----------
    version : int
        2, 3 or 4.
    flags : int
        Header flags that are kept when the tag is written again.
    frames : tuple of RawFrame
        In file order.
    size : int
        Bytes the whole tag takes in the file, header and padding included.
    """

    version: int
    flags: int
    frames: tuple[RawFrame, ...]
    size: int


def synchsafe(data: bytes) -> int:
    """Decode a size of seven bits a byte; -1 when a high bit is set."""
    value = 0
    for byte in data:
        if byte & 0x80:
            return -1
        value = value << 7 | byte
    return value


def tag_length(head: bytes) -> int:
    """Return the length of the tag that begins with these ten bytes, 0 if none does."""
    if len(head) < HEADER or head[:3] != b"ID3" or head[3] == 0xFF or head[4] == 0xFF:
        return 0
    size = synchsafe(head[6:10])
    if size < 0:
        return 0
    return HEADER + size + (HEADER if head[3] == 4 and head[5] & FOOTER else 0)


def parse_tag(data: bytes) -> Id3Tag:
    """Parse a whole tag.

    Raises
    ------
    Id3Error
        For unknown versions, compressed 2.2 tags and frames that overrun the tag.
    """
    length = tag_length(data[:HEADER])
    if not length or length > len(data):
        raise Id3Error("the tag is cut short")
    version, flags = data[3], data[5]
    if version not in (2, 3, 4):
        raise Id3Error(f"version 2.{version} is unknown")
    if version == 2 and flags & EXTENDED:
        raise Id3Error("it is compressed as a whole")
    body = data[HEADER : HEADER + synchsafe(data[6:10])]
    if flags & UNSYNC and version < 4:
        body = body.replace(b"\xff\x00", b"\xff")
        flags &= ~UNSYNC
    if flags & EXTENDED:
        body = body[_extended_length(body, version) :]
        flags &= ~EXTENDED
    frames = _walk(body, version, plain_sizes=version == 3)
    if version == 4 and frames is None:
        # Old iTunes wrote ordinary sizes into version 2.4 tags; mixed with right ones nobody
        # could read them any more, so they are put right.
        frames = _walk(body, version, plain_sizes=True)
        frames = frames and [r[:4] + to_synchsafe(len(r) - 10) + r[8:] for r in frames]
    if frames is None:
        raise Id3Error("its frames do not fit together")
    # A footer repeats the header and forbids padding; a tag without one says the same.
    kept = flags & ~FOOTER
    return Id3Tag(version, kept, tuple(identify(raw, version) for raw in frames), length)


def _extended_length(body: bytes, version: int) -> int:
    if len(body) < 4:
        raise Id3Error("its extended header is cut short")
    size = synchsafe(body[:4]) if version == 4 else int.from_bytes(body[:4], "big") + 4
    if not 4 <= size <= len(body):
        raise Id3Error("its extended header is broken")
    return size


def _frame_id_ok(name: bytes) -> bool:
    return all(65 <= b <= 90 or 48 <= b <= 57 for b in name)


def _walk(body: bytes, version: int, *, plain_sizes: bool) -> list[bytes] | None:
    """Cut the body into raw frames; None when it does not come out even."""
    header, name_length = (6, 3) if version == 2 else (10, 4)
    frames: list[bytes] = []
    position = 0
    while position + header <= len(body) and body[position]:
        name = body[position : position + name_length]
        size_bytes = body[position + name_length : position + (6 if version == 2 else 8)]
        size = int.from_bytes(size_bytes, "big") if plain_sizes or version == 2 else -1
        if size < 0:
            size = synchsafe(size_bytes)
        end = position + header + size
        if not _frame_id_ok(name) or size < 0 or end > len(body):
            return None
        frames.append(body[position:end])
        position = end
    return frames if not body[position:].strip(b"\0") else None


@dataclass(frozen=True)
class Reading:
    """What could be read of a tag.

    Attributes
    ----------
    tag : Id3Tag or None
        None where there is none yet, or a damaged one.
    values : mapping of str to str
        The text of every slot that is present; the first frame of a kind counts.
    skipped : mapping of str to str
        Slots that must be left alone, and why.
    notes : tuple of str
        What was wrong.
    """

    tag: Id3Tag | None = None
    values: Mapping[str, str] = field(default_factory=dict)
    skipped: Mapping[str, str] = field(default_factory=dict)
    notes: tuple[str, ...] = ()


def read_tag(data: bytes) -> Reading:
    """Read a whole tag; room for one that holds only zeros counts as none."""
    if not data.strip(b"\0"):
        return Reading()
    try:
        tag = parse_tag(data)
    except Id3Error as error:
        return Reading(skipped={"id3": "id3_broken"}, notes=(f"id3_broken: {error}",))
    values: dict[str, str] = {}
    skipped: dict[str, str] = {}
    for frame in tag.frames:
        if frame.slot and frame.text:
            if frame.slot in values:
                # It cannot be told which of them counts.
                skipped[frame.slot] = "repeated"
            values.setdefault(frame.slot, frame.text)
    return Reading(tag, values, skipped)


def edit_tag(tag: Id3Tag | None, changes: Mapping[str, str]) -> bytes:
    """Return the bytes of the tag with slots set, or removed for "".

    The tag keeps its length through padding where the frames leave room; it is "" when no
    frame is left. None starts a version 2.3 tag, which most programs read.
    """
    version = tag.version if tag else 3
    encoded = encode_frames({s: text for s, text in changes.items() if text}, version)
    written: set[str] = set()
    parts: list[bytes] = []
    for frame in tag.frames if tag else ():
        if frame.slot not in changes or frame.slot in written:
            parts.append(frame.raw)
        else:
            parts.append(encoded.get(frame.slot, b""))
            written.add(frame.slot)
    parts += [encoded[s.name] for s in SLOTS if s.name in encoded and s.name not in written]
    frames = b"".join(parts)
    if not frames:
        return b""
    padding = max(0, (tag.size if tag else 0) - HEADER - len(frames))
    size = to_synchsafe(len(frames) + padding)
    header = b"ID3" + bytes([version, 0, tag.flags if tag else 0]) + size
    return header + frames + b"\0" * padding
