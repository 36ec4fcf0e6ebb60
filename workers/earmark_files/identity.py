"""Recognise a sound by its audio, whatever happens to its tags or its name."""

from __future__ import annotations

import os
import struct
from dataclasses import dataclass
from pathlib import Path

from earmark_files.metadata.containers import open_document
from earmark_files.metadata.document import Payload
from earmark_files.metadata.errors import MetadataError
from earmark_files.metadata.planning import open_source
from earmark_files.metadata.source import Source

_W64_DATA = b"data\xf3\xac\xd3\x11\x8c\xd1\x00\xc0\x4f\x8e\xdb\x8a"
_W64_FMT = b"fmt \xf3\xac\xd3\x11\x8c\xd1\x00\xc0\x4f\x8e\xdb\x8a"
_MAX_CHUNKS = 20_000


@dataclass(frozen=True)
class AudioIdentity:
    """What makes a sound the same sound.

    Attributes
    ----------
    hash : str
        Scheme, colon, 64 hexadecimal digits of SHA-256: ``wav-data:...``. Two files with the same
        hash hold the same audio in the same encoding. The scheme ``file`` means that the whole
        file was hashed because its audio could not be told from the rest.
    container : str
        Kind of file; "" when unknown.
    audio_bytes : int
        How many bytes were hashed.
    """

    hash: str
    container: str
    audio_bytes: int


def audio_identity(path: Path) -> AudioIdentity:
    """Hash the audio payload of a file; reads it once, in constant memory.

    Raises
    ------
    MetadataError
        ``file_not_found``, ``permission_denied``, ``not_a_regular_file``. A file that is no
        sound, or a damaged one, still has an identity: that of all its bytes.
    """
    with open_source(Path(os.path.realpath(path))) as (source, _):
        container, payload = _payload(source)
        return AudioIdentity(payload.digest(source), container, payload.size)


def _payload(source: Source) -> tuple[str, Payload]:
    try:
        document = open_document(source)
    except MetadataError:
        found = _caf_payload(source) or _w64_payload(source)
        return found or ("", Payload("file", ((0, source.size),)))
    return document.container, document.payload


def _caf_payload(source: Source) -> tuple[str, Payload] | None:
    """Return description and data chunk of a Core Audio file (Apple CAF specification 1.0)."""
    if source.read(0, 4) != b"caff":
        return None
    spans: list[tuple[int, int]] = []
    position = 8
    for _ in range(_MAX_CHUNKS):
        head = source.read(position, 12)
        if len(head) < 12:
            break
        kind, size = struct.unpack(">4sq", head)
        start = position + 12
        if size == -1 and kind == b"data":
            size = source.size - start
        if size < 0 or start + size > source.size:
            return None
        if kind in (b"desc", b"data"):
            spans.append((start, size))
        position = start + size
    return ("caf", Payload("caf-data", tuple(spans))) if len(spans) == 2 else None


def _w64_payload(source: Source) -> tuple[str, Payload] | None:
    """Return format and data chunk of a Sony Wave64 file."""
    if source.read(0, 8) != b"riff\x2e\x91\xcf\x11":
        return None
    spans: list[tuple[int, int]] = []
    position = 40
    for _ in range(_MAX_CHUNKS):
        head = source.read(position, 24)
        if len(head) < 24:
            break
        size = struct.unpack("<q", head[16:])[0]
        if size < 24 or position + size > source.size:
            return None
        if head[:16] in (_W64_FMT, _W64_DATA):
            spans.append((position + 24, size - 24))
        position += size + -size % 8
    return ("w64", Payload("w64-data", tuple(spans))) if len(spans) == 2 else None
