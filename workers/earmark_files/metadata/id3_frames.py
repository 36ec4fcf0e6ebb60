"""The few ID3 frames Earmark reads and writes: genre, subtitle, comment and user texts.

Plain frames are decoded and encoded here, because a plan does so a dozen times; those that are
compressed, unsynchronised or otherwise out of the ordinary are decoded by mutagen.
Source: id3.org, ID3 tag versions 2.2.0, 2.3.0 and 2.4.0, sections 3 and 4.
"""

from __future__ import annotations

import io
from collections.abc import Mapping
from dataclasses import dataclass

from mutagen import MutagenError
from mutagen.id3 import ID3

from earmark_files.metadata.document import Slot

SLOTS = (
    Slot("id3/TCON", "genre", defining=False),
    Slot("id3/TIT3", "description"),
    Slot("id3/COMM", "description", defining=False),
    Slot("id3/TXXX:KEYWORDS", "keywords"),
    Slot("id3/TXXX:CATID", "catid"),
    Slot("id3/TXXX:EARMARK", "provenance"),
)
_NAMES = frozenset(slot.name for slot in SLOTS)
_V22_NAMES = {b"TCON": b"TCO", b"TIT3": b"TT3", b"COMM": b"COM", b"TXXX": b"TXX"}
_FROM_V22 = {short: name for name, short in _V22_NAMES.items()}
_LATIN, _UTF16, _UTF8 = 0, 1, 3
_CODECS = {_LATIN: "latin-1", _UTF16: "utf-16", _UTF8: "utf-8"}
_MARKS = (b"\xff\xfe", b"\xfe\xff")
_MAX_PLAIN = 1 << 20


class Id3Error(ValueError):
    """The tag cannot be edited without risk; the text says why."""


@dataclass(frozen=True)
class RawFrame:
    """A frame with its header, exactly as found, and the slot it fills if it is one of ours."""

    raw: bytes
    slot: str = ""
    text: str = ""


def to_synchsafe(value: int) -> bytes:
    """Encode a size as four bytes of seven bits."""
    if value >= 1 << 28:
        raise Id3Error("the tag would be larger than 256 MiB")
    return bytes((value >> shift) & 0x7F for shift in (21, 14, 7, 0))


def identify(raw: bytes, version: int) -> RawFrame:
    """Decode a frame if it is one Earmark reads; anything odd stays an unnamed raw frame."""
    name = _FROM_V22.get(raw[:3], b"") if version == 2 else raw[:4]
    if name not in _V22_NAMES:
        return RawFrame(raw)
    found = _decode_plain(raw, name, version) or _decode_odd(raw, version)
    if found is None:
        return RawFrame(raw)
    description, texts = found
    slot = f"id3/{name.decode()}"
    if name == b"TXXX":
        slot = f"{slot}:{description.upper()}"
    if slot not in _NAMES or (name == b"COMM" and description):
        return RawFrame(raw)
    return RawFrame(raw, slot, "; ".join(t for text in texts if (t := text.strip("\0 "))))


def _decode_plain(raw: bytes, name: bytes, version: int) -> tuple[str, list[str]] | None:
    """Return description ("" where a frame has none) and texts; None for what is not plain."""
    header = 6 if version == 2 else 10
    if not header < len(raw) <= _MAX_PLAIN or (version > 2 and raw[8:10] != b"\0\0"):
        return None
    encoding, body = raw[header], raw[header + 1 :]
    if name == b"COMM":
        body = body[3:]
    texts = _split(body, encoding)
    if texts is None:
        return None
    if name in (b"COMM", b"TXXX"):
        return (texts[0], texts[1:]) if len(texts) > 1 else None
    return "", texts


def _split(body: bytes, encoding: int) -> list[str] | None:
    """Return the zero-terminated texts of a frame; None for anything out of the ordinary."""
    if encoding == _UTF16:
        parts = _split_wide(body)
    elif encoding in _CODECS:
        parts = body.split(b"\0")
    else:
        return None
    if not parts or (encoding == _UTF16 and any(p[:2] not in _MARKS for p in parts if p)):
        return None
    try:
        return [part.decode(_CODECS[encoding]) for part in parts]
    except UnicodeDecodeError:
        return None


def _split_wide(body: bytes) -> list[bytes]:
    """Split at zeros of two bytes that begin at an even place."""
    parts: list[bytes] = []
    start = at = 0
    while (at := body.find(b"\0\0", at)) >= 0:
        if at % 2 == 0:
            parts.append(body[start:at])
            start = at + 2
        at += 2 - at % 2
    return [*parts, body[start:]]


def _decode_odd(raw: bytes, version: int) -> tuple[str, list[str]] | None:
    """Let mutagen decode a frame; None when it cannot either."""
    tag = b"ID3" + bytes([version, 0, 0]) + to_synchsafe(len(raw)) + raw
    try:
        parsed = ID3(io.BytesIO(tag), translate=False)
    except (MutagenError, ValueError, EOFError):
        return None
    for frame in parsed.values():
        return getattr(frame, "desc", ""), [str(text) for text in frame.text]
    return None


def encode_frames(texts: Mapping[str, str], version: int) -> dict[str, bytes]:
    """Encode the frames of slots in the given version of the tag; returns them by slot.

    Latin-1 where that is enough, else what the version knows: UTF-8 from 2.4 on, UTF-16 before.
    """
    return {slot: _encode(slot, text, version) for slot, text in texts.items()}


def _encode(slot: str, text: str, version: int) -> bytes:
    long_name, _, description = slot.removeprefix("id3/").partition(":")
    name = long_name.encode()
    encoding = _LATIN
    try:
        text.encode("latin-1")
    except UnicodeEncodeError:
        encoding = _UTF8 if version == 4 else _UTF16
    parts = [bytes([encoding])]
    if name == b"COMM":
        parts.append(b"eng")
    if name in (b"COMM", b"TXXX"):
        parts.append(_terminated(description, encoding))
    body = b"".join((*parts, _terminated(text, encoding)))
    if version == 2:
        return _V22_NAMES[name] + len(body).to_bytes(3, "big") + body
    size = to_synchsafe(len(body)) if version == 4 else len(body).to_bytes(4, "big")
    return name + size + b"\0\0" + body


def _terminated(text: str, encoding: int) -> bytes:
    if encoding == _UTF16:
        return _MARKS[0] + text.encode("utf-16-le") + b"\0\0"
    return text.encode(_CODECS[encoding]) + b"\0"
