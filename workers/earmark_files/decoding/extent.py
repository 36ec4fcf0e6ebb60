"""How many bytes a file's own structure promises, compared with how many there are.

Decoders play a file that was cut short up to the cut, without a word. Earmark must not judge a
sound by its first third, so the promise is read here, container by container, before decoding:
no more than chunk headers are looked at.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterator

from earmark_files.decoding.sniff import (
    Container,
    adts_frame_length,
    end_of_id3,
    find_frames,
    mpeg_frame_length,
)
from earmark_files.decoding.source import Source

_MAX_CHUNKS = 200_000  # bounds the work for files built to waste it
_UNKNOWN_32 = 0xFFFFFFFF
_ADTS_FRAME_MAX = 8191
_WAVPACK_BLOCK_MAX = 1 << 20
_OGG_PAGE_MAX = 27 + 255 + 255 * 255


def missing_bytes(source: Source, container: Container) -> int:
    """Return how many bytes of audio the structure promises beyond the end of the file.

    Formats that promise nothing (MPEG audio without a Xing header, streams of unknown length) give
    0; where the decoder knows the number of samples (FLAC) that is checked after decoding.
    """
    promise = _PROMISES.get(container)
    end = promise(source) if promise is not None else None
    return max(0, (end or 0) - source.size)


def _riff_end(source: Source) -> int | None:
    order = ">" if source.read_at(0, 4) == b"RIFX" else "<"
    long_data = None
    for name, size, body in _chunks(source, order + "4sI", 12, alignment=2):
        if name == b"ds64":
            fields = source.read_at(body, 16)
            long_data = struct.unpack("<Q", fields[8:16])[0] if len(fields) == 16 else None
        elif name == b"data":
            if size == _UNKNOWN_32:
                return None if long_data is None else body + int(long_data)
            return body + size
    return _outer_end(source, order)


def _outer_end(source: Source, order: str) -> int | None:
    """Where the whole form says it ends: all there is to go by when the audio never came."""
    size = int(struct.unpack(order + "I", source.read_at(4, 4))[0])
    return None if size == _UNKNOWN_32 else 8 + size


def _aiff_end(source: Source) -> int | None:
    for name, size, body in _chunks(source, ">4sI", 12, alignment=2):
        if name == b"SSND":
            return body + size
    return _outer_end(source, ">")


def _w64_end(source: Source) -> int | None:
    # Sizes in Wave64 include the 24 bytes of the chunk header.
    for name, size, body in _chunks(source, "<16sQ", 40, alignment=8, header_counts=True):
        if name[:4] == b"data":
            return body + size
    return None


def _caf_end(source: Source) -> int | None:
    for name, size, body in _chunks(source, ">4sQ", 8, alignment=1):
        if name == b"data":
            return None if size == 0xFFFFFFFFFFFFFFFF else body + size
    return None


def _au_end(source: Source) -> int | None:
    head = source.read_at(0, 12)
    if len(head) < 12:
        return 24
    order = "<" if head[:4] == b"dns." else ">"
    offset, size = struct.unpack(order + "II", head[4:])
    return None if size == _UNKNOWN_32 else int(offset + size)


def _mp4_end(source: Source) -> int | None:
    end = 0
    for _ in range(_MAX_CHUNKS):
        head = source.read_at(end, 16)
        if len(head) < 8:
            return end
        size, name = struct.unpack(">I4s", head[:8])
        if size == 0 or not name.isascii():  # the box reaches to the end; or trailing garbage
            return None
        if size == 1:
            size = int.from_bytes(head[8:16], "big")
        if size < 8:
            return None
        end += size
    return None


def _asf_end(source: Source) -> int | None:
    header_size = int.from_bytes(source.read_at(16, 8), "little")
    data_size = int.from_bytes(source.read_at(header_size + 16, 8), "little")
    return header_size + max(data_size, 24)  # a broadcast has no data size


def _matroska_end(source: Source) -> int | None:
    _, header_size, body = _ebml_element(source, 0)
    if header_size is None:
        return None
    identifier, size, body = _ebml_element(source, body + header_size)
    return body + size if identifier == 0x18538067 and size is not None else None


def _ebml_element(source: Source, offset: int) -> tuple[int, int | None, int]:
    """Return identifier, size (None: unknown) and offset of the body (RFC 8794)."""
    head = source.read_at(offset, 12)
    if len(head) < 12:
        return 0, None, offset
    id_length = 9 - head[0].bit_length()
    first = head[id_length] if id_length <= 4 else 0
    size_length = 9 - first.bit_length()
    if size_length > 8:
        return 0, None, offset
    identifier = int.from_bytes(head[:id_length], "big")
    bits = 7 * size_length
    size = int.from_bytes(head[id_length : id_length + size_length], "big") & ((1 << bits) - 1)
    unknown = size == (1 << bits) - 1
    return identifier, None if unknown else size, offset + id_length + size_length


def _ogg_end(source: Source) -> int | None:
    """Return the end of the last page: cut files nearly always end within one (RFC 3533)."""
    start = max(0, source.size - _OGG_PAGE_MAX - 1)
    tail = source.read_at(start, _OGG_PAGE_MAX + 1)
    page = tail.rfind(b"OggS")
    if page < 0:
        return None
    if len(tail) < page + 27:
        return start + page + 27
    segments = tail[page + 26]
    lacing = tail[page + 27 : page + 27 + segments]
    return start + page + 27 + segments + sum(lacing) + (len(lacing) < segments)


def _aac_end(source: Source) -> int | None:
    """Return the end of the last ADTS frame."""
    start = max(0, source.size - 4 * _ADTS_FRAME_MAX)
    offset = find_frames(source, start, source.read_at(start, _ADTS_FRAME_MAX), adts_frame_length)
    while offset is not None and offset < source.size:
        length = adts_frame_length(source.read_at(offset, 6))
        if not length:
            return None  # a tag behind the sound
        offset += length
    return offset


def _wavpack_end(source: Source) -> int | None:
    """Return the end of the last block (WavPack 4 and 5 block format)."""
    start = max(0, source.size - _WAVPACK_BLOCK_MAX)
    tail = source.read_at(start, _WAVPACK_BLOCK_MAX)
    block = tail.rfind(b"wvpk")
    if block < 0:
        return None
    return start + block + 8 + int.from_bytes(tail[block + 4 : block + 8], "little")


def _mp3_end(source: Source) -> int | None:
    """Return the end promised by a Xing or Info header (layout as LAME documents it)."""
    start = end_of_id3(source)
    first = find_frames(source, start, source.read_at(start, 65536), mpeg_frame_length)
    if first is None:
        return None
    head = source.read_at(first, 200)
    xing = max(head.find(b"Xing"), head.find(b"Info"))
    fields = head[xing + 4 : xing + 16]
    if xing < 0 or len(fields) < 12 or fields[3] & 3 != 3:
        return None
    frames, promised = struct.unpack(">II", fields[4:])
    # Encoders differ on whether their own header frame is counted, and many a file lacks its last
    # frame: give one frame's grace.
    return first + int(promised - promised // max(1, frames))


def _chunks(
    source: Source, layout: str, offset: int, *, alignment: int, header_counts: bool = False
) -> Iterator[tuple[bytes, int, int]]:
    """Yield name, size of the body and offset of the body of each chunk."""
    header = struct.calcsize(layout)
    for _ in range(_MAX_CHUNKS):
        head = source.read_at(offset, header)
        if len(head) < header:
            return
        name, size = struct.unpack(layout, head)
        if header_counts:
            size = max(0, size - header)
        yield name, size, offset + header
        offset += header + size
        offset += -offset % alignment


_PROMISES: dict[Container, Callable[[Source], int | None]] = {
    Container.WAV: _riff_end,
    Container.RF64: _riff_end,
    Container.W64: _w64_end,
    Container.AIFF: _aiff_end,
    Container.CAF: _caf_end,
    Container.AU: _au_end,
    Container.MP4: _mp4_end,
    Container.ASF: _asf_end,
    Container.MATROSKA: _matroska_end,
    Container.OGG: _ogg_end,
    Container.MP3: _mp3_end,
    Container.AAC: _aac_end,
    Container.WAVPACK: _wavpack_end,
}
