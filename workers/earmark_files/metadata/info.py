"""RIFF ``LIST INFO``: a list of zero-terminated texts with four-letter names."""

from __future__ import annotations

import struct
from collections.abc import Mapping
from dataclasses import dataclass

from earmark_files.metadata.chunks import encode_chunk, plausible_id


@dataclass(frozen=True)
class InfoEntry:
    """One entry: its name and its bytes with header and pad, exactly as found."""

    id: bytes
    text: str
    raw: bytes


def _decode(raw: bytes) -> str:
    raw = raw.split(b"\0", 1)[0]
    try:
        return raw.decode("utf-8").strip()
    except UnicodeDecodeError:
        return raw.decode("cp1252", errors="replace").strip()


def parse_info(body: bytes) -> list[InfoEntry] | None:
    """Split the body of a LIST chunk (after ``INFO``); None when it is damaged."""
    entries: list[InfoEntry] = []
    position = 0
    while position + 8 <= len(body):
        entry_id, size = struct.unpack_from("<4sI", body, position)
        end = position + 8 + size
        if not plausible_id(entry_id) or end > len(body):
            return None
        padded_end = min(end + size % 2, len(body))
        if size % 2 and plausible_id(body[end : end + 4]) and body[end : end + 1] != b"\0":
            following = body[end + 1 : end + 5]
            padded_end = padded_end if plausible_id(following) else end
        entries.append(
            InfoEntry(entry_id, _decode(body[position + 8 : end]), body[position:padded_end])
        )
        position = padded_end
    if body[position:].strip(b"\0"):
        return None
    return entries


def edit_info(entries: list[InfoEntry], changes: Mapping[bytes, str]) -> bytes:
    """Return a LIST body (without ``INFO``) with texts set, or removed for "".

    An entry that exists is changed where it stands, whatever the case of its name; further
    entries of that name and all others are kept as found. New entries follow at the end.
    """
    pending = {key.upper(): text for key, text in changes.items()}
    names = {key.upper(): key for key in changes}
    parts: list[bytes] = []
    for entry in entries:
        text = pending.pop(entry.id.upper(), None)
        if text is None:
            parts.append(entry.raw + b"\0" * (len(entry.raw) % 2))
        elif text:
            parts.append(encode_chunk(entry.id, text.encode() + b"\0"))
    for key, text in pending.items():
        if text:
            parts.append(encode_chunk(names[key], text.encode() + b"\0"))
    return b"".join(parts)
