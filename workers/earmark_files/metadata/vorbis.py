"""Vorbis comments (FLAC, Ogg Vorbis, Opus): a vendor text and a list of ``NAME=value``.

Comments are kept as bytes, so damaged UTF-8, repeated names and their case survive; only
Earmark's own are encoded. Source: xiph.org, Ogg Vorbis I format specification: comment field.
"""

from __future__ import annotations

import struct
from collections.abc import Mapping
from dataclasses import dataclass

from earmark_files.metadata.document import Slot

MAX_COMMENTS = 100_000

SLOTS = (
    Slot("vorbis/GENRE", "genre", defining=False),
    Slot("vorbis/DESCRIPTION", "description"),
    Slot("vorbis/COMMENT", "description", defining=False),
    Slot("vorbis/KEYWORDS", "keywords"),
    Slot("vorbis/CATID", "catid"),
    Slot("vorbis/EARMARK", "provenance"),
)


class VorbisError(ValueError):
    """The comment block cannot be edited without risk; the text says why."""


@dataclass(frozen=True)
class Comments:
    """A parsed block.

    Attributes
    ----------
    vendor : bytes
        Name of the encoder.
    entries : tuple of bytes
        Comments as found.
    tail : bytes
        Whatever follows (framing bit, padding, embedded data of Opus); kept.
    """

    vendor: bytes
    entries: tuple[bytes, ...]
    tail: bytes

    def encode(self) -> bytes:
        """Return the bytes of the block."""
        parts = [struct.pack("<I", len(self.vendor)), self.vendor]
        parts.append(struct.pack("<I", len(self.entries)))
        for entry in self.entries:
            parts += (struct.pack("<I", len(entry)), entry)
        return b"".join((*parts, self.tail))


def parse_comments(data: bytes) -> Comments:
    """Parse a block; raise `VorbisError` when its lengths do not fit."""
    position = 0

    def take() -> bytes:
        nonlocal position
        if position + 4 > len(data):
            raise VorbisError("it is cut short")
        length = struct.unpack_from("<I", data, position)[0]
        start = position + 4
        position = start + length
        if position > len(data):
            raise VorbisError("a comment reaches beyond its block")
        return data[start:position]

    vendor = take()
    if position + 4 > len(data):
        raise VorbisError("it is cut short")
    count = struct.unpack_from("<I", data, position)[0]
    position += 4
    if count > min(MAX_COMMENTS, (len(data) - position) // 4):
        raise VorbisError("it announces more comments than it can hold")
    entries = tuple(take() for _ in range(count))
    return Comments(vendor, entries, data[position:])


def _name(entry: bytes) -> str:
    return (
        entry.split(b"=", 1)[0].decode("ascii", errors="replace").upper() if b"=" in entry else ""
    )


def _slot(entry: bytes) -> str:
    name = f"vorbis/{_name(entry)}"
    return name if any(s.name == name for s in SLOTS) else ""


def read_values(comments: Comments) -> dict[str, str]:
    """Return the text of every slot; repeated comments of one name are joined by ``; ``."""
    values: dict[str, list[str]] = {}
    for entry in comments.entries:
        slot = _slot(entry)
        text = entry.split(b"=", 1)[-1].decode("utf-8", errors="replace").strip()
        if slot and text:
            values.setdefault(slot, []).append(text)
    return {slot: "; ".join(texts) for slot, texts in values.items()}


def edit_comments(comments: Comments, changes: Mapping[str, str]) -> Comments:
    """Return the block with slots set to a text, or removed for "".

    A changed comment stays in its place and keeps the case of its name; repetitions of it are
    dropped because their texts are part of what was read, and of what replaces it.
    """
    pending = dict(changes)
    written: set[str] = set()
    entries: list[bytes] = []
    for entry in comments.entries:
        slot = _slot(entry)
        if slot not in pending:
            entries.append(entry)
        elif slot not in written and pending[slot]:
            entries.append(entry.split(b"=", 1)[0] + b"=" + pending[slot].encode())
            written.add(slot)
    for known in SLOTS:
        text = pending.get(known.name)
        if text and known.name not in written:
            entries.append(known.name.removeprefix("vorbis/").encode() + b"=" + text.encode())
    return Comments(comments.vendor, tuple(entries), comments.tail)
