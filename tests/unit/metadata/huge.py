"""Sparse WAV files as big as needed: nearly all of their audio is a hole that costs no disk."""

from __future__ import annotations

import struct
from pathlib import Path

from tests.unit.metadata.riff_builder import FMT

UNKNOWN = b"\xff\xff\xff\xff"
MARK = b"\x01earmark"


def write_huge(
    path: Path, audio: int, magic: bytes, *, before: bytes = b"", after: bytes = b""
) -> Path:
    """Write a mono file of 8 kHz and 16 bit; there is a mark at each end and in the middle.

    Parameters
    ----------
    path : Path
        What to write.
    audio : int
        Bytes of audio; even.
    magic : bytes
        ``RIFF``, ``RF64`` or ``BW64``; the latter two get a ds64 chunk.
    before, after : bytes
        Chunks in front of the format and behind the audio.
    """
    wide = magic != b"RIFF"
    inner = before + b"fmt " + struct.pack("<I", len(FMT)) + FMT
    size = 4 + (36 if wide else 0) + len(inner) + 8 + audio + len(after)
    head = magic + (UNKNOWN if wide else struct.pack("<I", size)) + b"WAVE"
    if wide:
        head += b"ds64" + struct.pack("<IQQQI", 28, size, audio, audio // 2, 0)
    head += inner + b"data" + (UNKNOWN if wide else struct.pack("<I", audio))
    with path.open("wb") as file:
        file.write(head)
        for place in (0, audio // 2, audio - len(MARK)):
            file.seek(len(head) + place)
            file.write(MARK)
        file.write(after)
    return path
