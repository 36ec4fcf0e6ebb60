"""Which container a file is, told from its first bytes and never from its name.

Deliberately strict: text, pictures and noise that a lenient probe would take for MPEG audio are
refused here, because a decoder would make up sound from them.
"""

from __future__ import annotations

from collections.abc import Callable
from enum import StrEnum

from earmark_files.decoding.source import Source

HEAD_BYTES = 64
_MPEG_SEARCH_BYTES = 65536  # how far junk before the first MPEG frame is tolerated
_MPEG_FRAMES_NEEDED = 4  # a chance match of four consecutive headers is out of the question


class Container(StrEnum):
    """File formats that can be read. The values are part of stored results: never rename."""

    WAV = "wav"
    RF64 = "rf64"
    W64 = "w64"
    AIFF = "aiff"
    FLAC = "flac"
    OGG = "ogg"
    MP3 = "mp3"
    CAF = "caf"
    AU = "au"
    MP4 = "mp4"
    AAC = "aac"
    ASF = "asf"
    MATROSKA = "matroska"
    WAVPACK = "wavpack"


_MAGIC: tuple[tuple[bytes, Container], ...] = (
    (b"fLaC", Container.FLAC),
    (b"OggS", Container.OGG),
    (b"caff\x00\x01", Container.CAF),
    (b".snd", Container.AU),
    (b"dns.", Container.AU),
    (b"wvpk", Container.WAVPACK),
    (bytes.fromhex("726966662e91cf11a5d628db04c10000"), Container.W64),
    (bytes.fromhex("3026b2758e66cf11a6d900aa0062ce6c"), Container.ASF),
    (bytes.fromhex("1a45dfa3"), Container.MATROSKA),
)
_TYPED_MAGIC: dict[tuple[bytes, bytes], Container] = {
    (b"RIFF", b"WAVE"): Container.WAV,
    (b"RIFX", b"WAVE"): Container.WAV,
    (b"RF64", b"WAVE"): Container.RF64,
    (b"BW64", b"WAVE"): Container.RF64,
    (b"FORM", b"AIFF"): Container.AIFF,
    (b"FORM", b"AIFC"): Container.AIFF,
}
_MP4_FIRST_BOXES = frozenset({b"ftyp", b"moov", b"mdat", b"free", b"skip", b"wide"})


def sniff(source: Source) -> Container | None:
    """Return the container of an open file, or None if it is not a sound file we know."""
    start = end_of_id3(source)
    head = source.read_at(start, HEAD_BYTES)
    container = _by_magic(head)
    if container is not None and (start == 0 or container is Container.FLAC):
        return container  # of these only FLAC is ever put behind an ID3 tag
    search = source.read_at(start, _MPEG_SEARCH_BYTES)
    runs = {
        Container.MP3: find_frames(source, start, search, mpeg_frame_length),
        Container.AAC: find_frames(source, start, search, adts_frame_length),
    }
    found = {offset: container for container, offset in runs.items() if offset is not None}
    return found[min(found)] if found else None


def _by_magic(head: bytes) -> Container | None:
    typed = _TYPED_MAGIC.get((head[:4], head[8:12]))
    if typed is not None:
        return typed
    for magic, container in _MAGIC:
        if head.startswith(magic):
            return container
    return Container.MP4 if head[4:8] in _MP4_FIRST_BOXES else None


def end_of_id3(source: Source) -> int:
    """Return the offset behind the ID3v2 tags at the start of a file, 0 if it has none."""
    offset = 0
    while True:
        head = source.read_at(offset, 10)
        if len(head) < 10 or head[:3] != b"ID3" or max(head[6:10]) > 0x7F:
            return offset
        size = head[6] << 21 | head[7] << 14 | head[8] << 7 | head[9]
        offset += 10 + size + (10 if head[5] & 0x10 else 0)


def find_frames(
    source: Source, start: int, search: bytes, frame_length: Callable[[bytes], int]
) -> int | None:
    """Return the offset of the first of several frames in a row, or None.

    Fewer frames will do where they begin right at `start` and end with the file or its tags.
    """
    position = search.find(b"\xff")
    while position >= 0:
        if frame_length(search[position : position + 6]):
            frames, complete = _count_frames(source, start + position, frame_length)
            if frames >= _MPEG_FRAMES_NEEDED or (complete and position == 0):
                return start + position
        position = search.find(b"\xff", position + 1)
    return None


def _count_frames(
    source: Source, offset: int, frame_length: Callable[[bytes], int]
) -> tuple[int, bool]:
    """Count frames of one kind in a row, and say whether the file ends right behind them."""
    first = source.read_at(offset, 3)
    for frames in range(_MPEG_FRAMES_NEEDED):
        head = source.read_at(offset, 6)
        if offset == source.size or head.startswith((b"TAG", b"APETAG")):
            return frames, True
        length = frame_length(head)
        # Version, layer and sample rate never change within a stream, unlike the bit rate.
        if not length or head[1] | 1 != first[1] | 1 or (head[2] ^ first[2]) & 0x0C:
            return frames, False
        offset += length
    return _MPEG_FRAMES_NEEDED, offset == source.size


_BIT_RATES = {  # kbit/s by (MPEG-1, layer): ISO/IEC 11172-3 and 13818-3, table "bitrate_index"
    (True, 1): (32, 64, 96, 128, 160, 192, 224, 256, 288, 320, 352, 384, 416, 448),
    (True, 2): (32, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320, 384),
    (True, 3): (32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320),
    (False, 1): (32, 48, 56, 64, 80, 96, 112, 128, 144, 160, 176, 192, 224, 256),
    (False, 2): (8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160),
    (False, 3): (8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160),
}
_SAMPLE_RATES = {3: (44100, 48000, 32000), 2: (22050, 24000, 16000), 0: (11025, 12000, 8000)}


def mpeg_frame_length(head: bytes) -> int:
    """Return the bytes of the MPEG audio frame with this header (layers I to III), else 0."""
    if len(head) < 4 or head[0] != 0xFF or head[1] & 0xE0 != 0xE0:
        return 0
    version, layer = head[1] >> 3 & 3, 4 - (head[1] >> 1 & 3)
    bit_rate, rate, padding = head[2] >> 4, head[2] >> 2 & 3, head[2] >> 1 & 1
    if version == 1 or layer == 4 or bit_rate in (0, 15) or rate == 3:
        return 0
    kbits = _BIT_RATES[version == 3, layer][bit_rate - 1]
    hertz = _SAMPLE_RATES[version][rate]
    if layer == 1:
        return (12_000 * kbits // hertz + padding) * 4
    halved = layer == 3 and version != 3
    return (72_000 if halved else 144_000) * kbits // hertz + padding


def adts_frame_length(head: bytes) -> int:
    """Return the bytes of the AAC frame with this ADTS header (ISO/IEC 13818-7), else 0."""
    if len(head) < 6 or head[0] != 0xFF or head[1] & 0xF6 != 0xF0 or head[2] >> 2 & 15 > 12:
        return 0
    length = (head[3] & 3) << 11 | head[4] << 3 | head[5] >> 5
    return length if length >= 7 else 0
