"""The chunk codec of the IFF family: RIFF, RF64 and BW64 (little endian), FORM (big endian).

Finds the chunks of a file however careless its writer was, and says what was wrong. It never
guesses about sound: a chunk list that cannot be walked to the end of the form is refused by the
callers in `riff` and `aiff`.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass

from earmark_files.metadata.errors import UnsupportedStructureError
from earmark_files.metadata.source import Source, read_exact

MAX_CHUNKS = 20_000
UNKNOWN_SIZE = 0xFFFFFFFF


@dataclass(frozen=True)
class Chunk:
    """One chunk as it lies in the file.

    Attributes
    ----------
    id : bytes
        Four bytes as found.
    offset : int
        Where its header begins.
    size : int
        Bytes of its body that belong to it (already corrected for RF64 and unknown sizes).
    declared : int
        The 32-bit size in its header.
    padded : bool
        Whether a pad byte follows the body.
    """

    id: bytes
    offset: int
    size: int
    declared: int
    padded: bool

    @property
    def body(self) -> int:
        """Offset of the first body byte."""
        return self.offset + 8

    @property
    def end(self) -> int:
        """First byte after body and pad."""
        return self.body + self.size + (1 if self.padded else 0)

    @property
    def pad_missing(self) -> bool:
        """Whether an odd body lacks its pad byte."""
        return self.size % 2 == 1 and not self.padded


@dataclass(frozen=True)
class ChunkWalk:
    """The outcome of `walk`.

    Attributes
    ----------
    chunks : tuple of Chunk
        In file order.
    end : int
        First byte after the last understood chunk.
    truncated : Chunk or None
        The last chunk, when its declared body reaches beyond the end of the file.
    """

    chunks: tuple[Chunk, ...]
    end: int
    truncated: Chunk | None


def plausible_id(chunk_id: bytes) -> bool:
    """Whether four bytes look like a chunk name: printable ASCII, not starting with a space."""
    return len(chunk_id) == 4 and all(32 <= b < 127 for b in chunk_id) and chunk_id[0] != 32


def encode_chunk(chunk_id: bytes, body: bytes, *, big_endian: bool = False) -> bytes:
    """Return header, body and pad of a chunk."""
    header = struct.pack(">4sI" if big_endian else "<4sI", chunk_id, len(body))
    return header + body + b"\0" * (len(body) % 2)


def _has_pad(source: Source, body_end: int) -> bool:
    """Decide whether an odd body that ends at `body_end` is followed by a pad byte.

    A missing pad byte is believed only if a chunk name starts right there and none starts one
    byte later.
    """
    if body_end >= source.size:
        return False
    after = source.read(body_end, 5)
    if len(after) < 4:
        return len(after) == 1
    if after[0] == 0:
        return True
    return not (plausible_id(after[:4]) and not plausible_id(after[1:5]))


def walk(
    source: Source,
    start: int,
    *,
    big_endian: bool = False,
    sizes: dict[bytes, list[int]] | None = None,
) -> ChunkWalk:
    """Walk the chunks from `start` to the end of the file.

    Parameters
    ----------
    source : Source
        The file.
    start : int
        Offset of the first chunk header.
    big_endian : bool
        True for the FORM family.
    sizes : dict, optional
        64-bit sizes from ``ds64`` by chunk id, in file order, used where a header says
        0xFFFFFFFF.

    Raises
    ------
    UnsupportedStructureError
        When there are more chunks than any real file has.
    """
    chunks: list[Chunk] = []
    position = start
    layout = ">4sI" if big_endian else "<4sI"
    while position + 8 <= source.size:
        if len(chunks) == MAX_CHUNKS:
            raise UnsupportedStructureError(f"The file has more than {MAX_CHUNKS} chunks.")
        chunk_id, declared = struct.unpack(layout, read_exact(source, position, 8))
        if not plausible_id(chunk_id):
            break
        size = declared
        if declared == UNKNOWN_SIZE and sizes and sizes.get(chunk_id):
            size = sizes[chunk_id].pop(0)
        body_end = position + 8 + size
        if body_end > source.size:
            cut = Chunk(chunk_id, position, source.size - position - 8, declared, False)
            return ChunkWalk(tuple(chunks), position, cut)
        padded = size % 2 == 1 and _has_pad(source, body_end)
        chunks.append(Chunk(chunk_id, position, size, declared, padded))
        position = chunks[-1].end
    return ChunkWalk(tuple(chunks), position, None)
