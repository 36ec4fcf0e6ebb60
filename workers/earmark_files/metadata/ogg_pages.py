"""Pages of an Ogg stream (RFC 3533): find them, write them, compute their checksums."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from earmark_files.metadata.source import Source

HEADER = 27
CONTINUED, FIRST, LAST = 1, 2, 4
MAX_SEGMENTS = 255
_NO_PACKET_ENDS = 0xFFFFFFFFFFFFFFFF
_REVERSED = bytes(int(f"{b:08b}"[::-1], 2) for b in range(256))


@dataclass(frozen=True)
class Page:
    """A page header and where the page lies."""

    offset: int
    flags: int
    serial: int
    sequence: int
    segments: bytes

    @property
    def body(self) -> int:
        """Offset of the first body byte."""
        return self.offset + HEADER + len(self.segments)

    @property
    def end(self) -> int:
        """First byte after the page."""
        return self.body + sum(self.segments)


def read_page(source: Source, offset: int) -> Page | None:
    """Return the page that begins at `offset`; None when none does or it is cut short."""
    head = source.read(offset, HEADER + MAX_SEGMENTS)
    if len(head) < HEADER or head[:5] != b"OggS\0":
        return None
    flags, _, serial, sequence, _, count = struct.unpack_from("<BqIIIB", head, 5)
    segments = head[HEADER : HEADER + count]
    page = Page(offset, flags, serial, sequence, segments)
    return page if len(segments) == count and page.end <= source.size else None


def pages(source: Source, offset: int = 0) -> Iterator[Page]:
    """Yield pages until something else, or the end, follows."""
    while (page := read_page(source, offset)) is not None:
        yield page
        offset = page.end


def checksum(page: bytes) -> bytes:
    """Return the CRC of a page whose CRC field is zero, as the four bytes to store.

    Ogg's CRC is the common one with the bits of every byte, and of the result, the other way
    round; zlib's fast routine serves when the input is reversed.
    """
    state = zlib.crc32(page.translate(_REVERSED), 0xFFFFFFFF) ^ 0xFFFFFFFF
    return state.to_bytes(4, "big").translate(_REVERSED)


def encode_page(
    flags: int, granule: int, serial: int, sequence: int, lacing: bytes, body: bytes
) -> bytes:
    """Return a whole page."""
    head = struct.pack("<4sBBQIIIB", b"OggS", 0, flags, granule, serial, sequence, 0, len(lacing))
    page = head + lacing + body
    return page[:22] + checksum(page) + page[26:]


def lace(packet: bytes) -> list[int]:
    """Return the segment sizes of a packet; the last one is below 255."""
    return [255] * (len(packet) // 255) + [len(packet) % 255]


def paginate(packets: Sequence[bytes], serial: int, sequence: int, wanted: int) -> list[bytes]:
    """Lay packets out over pages, on exactly `wanted` pages where that is possible.

    Keeping the number of header pages means that no audio page has to be renumbered.
    """
    lacing = [size for packet in packets for size in lace(packet)]
    body = b"".join(packets)
    made: list[bytes] = []
    position = start = 0
    while position < len(lacing):
        left = wanted - len(made) - 1
        take = min(MAX_SEGMENTS, max(1, len(lacing) - position - max(0, left)))
        sizes = lacing[position : position + take]
        continued = CONTINUED if position and lacing[position - 1] == 255 else 0
        granule = 0 if any(size < 255 for size in sizes) else _NO_PACKET_ENDS
        end = start + sum(sizes)
        made.append(
            encode_page(
                continued, granule, serial, sequence + len(made), bytes(sizes), body[start:end]
            )
        )
        position, start = position + take, end
    return made
