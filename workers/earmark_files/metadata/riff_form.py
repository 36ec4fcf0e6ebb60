"""The frame of a WAV file: which chunks there are, where the audio lies, where the form ends.

Decides what damage is tolerated and what is refused; see the table in docs/metadata-fields.md.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass, replace

from earmark_files.metadata.chunks import UNKNOWN_SIZE, Chunk, ChunkWalk, walk
from earmark_files.metadata.document import MAX_METADATA_BYTES
from earmark_files.metadata.errors import MalformedFileError, UnsupportedStructureError
from earmark_files.metadata.source import Source, read_exact

MAGICS = (b"RIFF", b"RF64", b"BW64")
_LARGEST = 0xFFFFFFFF


@dataclass(frozen=True)
class Form:
    """What `parse_form` found.

    Attributes
    ----------
    magic : bytes
        ``RIFF``, ``RF64`` or ``BW64``.
    chunks : tuple of Chunk
        The chunks of the form, in file order.
    end : int
        First byte behind the form.
    data, format : Chunk
        The audio and its description.
    ds64 : Chunk or None
        The 64-bit sizes.
    data_size_unknown : bool
        Whether the audio's size was never filled in and reaches to the end of the file.
    notes : tuple of str
        Oddities that were tolerated.
    """

    magic: bytes
    chunks: tuple[Chunk, ...]
    end: int
    data: Chunk
    format: Chunk
    ds64: Chunk | None
    data_size_unknown: bool
    notes: tuple[str, ...]


def _ds64_sizes(source: Source, ds64: Chunk) -> dict[bytes, list[int]]:
    """Return 64-bit sizes by chunk id from a ds64 chunk."""
    body = read_exact(source, ds64.body, min(ds64.size, MAX_METADATA_BYTES))
    if len(body) < 24:
        raise MalformedFileError("The 64-bit size chunk (ds64) is too short. The file is damaged.")
    sizes = {b"data": [struct.unpack_from("<Q", body, 8)[0]]}
    count = struct.unpack_from("<I", body, 24)[0] if len(body) >= 28 else 0
    for index in range(min(count, (len(body) - 28) // 12)):
        chunk_id, size = struct.unpack_from("<4sQ", body, 28 + 12 * index)
        sizes.setdefault(chunk_id, []).append(size)
    return sizes


def _walk_form(source: Source, magic: bytes) -> tuple[ChunkWalk, Chunk | None]:
    if magic == b"RIFF":
        return walk(source, 12), None
    chunk_id, size = struct.unpack("<4sI", read_exact(source, 12, 8))
    if chunk_id != b"ds64" or size > source.size:
        raise MalformedFileError("The 64-bit file does not begin with its size chunk (ds64).")
    ds64 = Chunk(chunk_id, 12, size, size, False)
    return walk(source, 12, sizes=_ds64_sizes(source, ds64)), ds64


def _open_ended(source: Source, found: ChunkWalk) -> ChunkWalk:
    """Let a RIFF data chunk without a known size (0 or FFFFFFFF) reach to the end of the file.

    Recorders and pipes that never came back to patch the size leave such files. A size of 0 is
    believed when real chunks follow it up to the very end.
    """
    cut = found.truncated
    if cut is not None and cut.id == b"data" and cut.declared == UNKNOWN_SIZE:
        return ChunkWalk((*found.chunks, cut), source.size, None)
    last = found.chunks[-1] if found.chunks else None
    if last and last.id == b"data" and last.declared == 0 and source.size - last.end >= 2:
        whole = replace(last, size=source.size - last.body)
        return ChunkWalk((*found.chunks[:-1], whole), source.size, None)
    for index, chunk in enumerate(found.chunks):
        if chunk.id == b"data" and chunk.declared == 0 and found.truncated is not None:
            whole = replace(chunk, size=source.size - chunk.body)
            return ChunkWalk((*found.chunks[:index], whole), source.size, None)
    return found


def _single(chunks: tuple[Chunk, ...], name: bytes, what: str) -> Chunk:
    found = [c for c in chunks if c.id == name]
    if not found:
        raise MalformedFileError(f"The WAV file has no {what}. It may be cut short or damaged.")
    if len(found) > 1:
        raise UnsupportedStructureError(
            f"The WAV file has more than one {what}; it cannot be told which one counts."
        )
    return found[0]


def _form_end(source: Source, found: ChunkWalk, declared_end: int) -> tuple[int, list[str]]:
    """Return where the form ends and what was odd about it.

    Raises
    ------
    MalformedFileError
        When something that is no chunk (and not just zeros) lies inside the declared form.
    """
    notes: list[str] = []
    end = found.end
    if end != source.size and any(c.end == declared_end for c in found.chunks):
        end = declared_end
    inside = min(declared_end, source.size) - end
    if declared_end != _LARGEST + 8 and inside > 1:
        rest = source.read(end, min(inside, MAX_METADATA_BYTES))
        if inside > len(rest) or rest.strip(b"\0"):
            raise MalformedFileError(
                f"The chunk list of the file breaks off at byte {end}. It is damaged; repair it "
                "with the program that wrote it."
            )
    if declared_end != end and declared_end != end - found.chunks[-1].size % 2:
        notes.append("wrong_riff_size")
    if end < source.size:
        notes.append("trailing_bytes")
    return end, notes


def parse_form(source: Source) -> Form:
    """Find the frame of a WAV file.

    Raises
    ------
    MalformedFileError
        When chunks are cut short, missing, or the list of them breaks off.
    UnsupportedStructureError
        When it cannot be told which of several chunks counts.
    """
    magic, declared, kind = struct.unpack("<4sI4s", read_exact(source, 0, 12))
    if magic not in MAGICS or kind != b"WAVE":
        raise MalformedFileError("This is not a WAV file.")
    found, ds64 = _walk_form(source, magic)
    opened = _open_ended(source, found) if ds64 is None else found
    behind_form = opened.end in (declared + 8, declared + 9) and opened.chunks
    if opened.truncated is not None and not behind_form:
        name = opened.truncated.id.decode("latin-1")
        raise MalformedFileError(
            f"The file ends in the middle of its {name!r} chunk: it is cut short, or still being "
            "written. Copy or record it again.",
            code="truncated",
        )
    data = _single(opened.chunks, b"data", "audio (data chunk)")
    if ds64 is not None and declared == UNKNOWN_SIZE:
        declared = struct.unpack("<Q", read_exact(source, 20, 8))[0]
    end, notes = _form_end(source, opened, declared + 8)
    # Chunks behind a believable end of the form are foreign bytes and stay where they are.
    chunks = tuple(c for c in opened.chunks if c.end <= end)
    unknown = opened is not found
    if unknown:
        notes.append("unknown_data_size")
    if any(c.pad_missing and c.end < end for c in chunks):
        notes.append("missing_pad")
    form = _single(chunks, b"fmt ", "format (fmt chunk)")
    return Form(magic, chunks, end, data, form, ds64, unknown, tuple(notes))
