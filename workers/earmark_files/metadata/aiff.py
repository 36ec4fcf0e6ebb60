"""AIFF and AIFC files: tags go into an ``ID3 `` chunk; NAME, ANNO, AUTH and all others stay.

Source: Apple, Audio Interchange File Format 1.3 and AIFF-C.
"""

from __future__ import annotations

import struct
from collections.abc import Mapping

from earmark_files.metadata import id3, id3_frames
from earmark_files.metadata.chunks import Chunk, encode_chunk, walk
from earmark_files.metadata.document import MAX_METADATA_BYTES, Payload, Slot
from earmark_files.metadata.errors import MalformedFileError, UnsupportedStructureError
from earmark_files.metadata.source import Source, Splice, read_exact

_LIMIT = 0xFFFFFFFF

NATIVE = {b"NAME": "aiff/NAME", b"ANNO": "aiff/ANNO", b"AUTH": "aiff/AUTH"}
"""Texts that are read (REAPER shows ANNO as description) and never written."""


class AiffDocument:
    """A parsed AIFF or AIFC file; see `earmark_files.metadata.document.Document`."""

    container = "aiff"

    def __init__(self, source: Source) -> None:
        self._source = source
        magic, declared, kind = struct.unpack(">4sI4s", read_exact(source, 0, 12))
        if magic != b"FORM" or kind not in (b"AIFF", b"AIFC"):
            raise MalformedFileError("This is not an AIFF file.")
        found = walk(source, 12, big_endian=True)
        self._chunks, self._end = found.chunks, found.end
        self._check_complete(found.truncated, declared + 8)
        common = [c for c in self._chunks if c.id == b"COMM"]
        sound = [c for c in self._chunks if c.id == b"SSND"]
        if len(common) != 1 or len(sound) > 1:
            raise MalformedFileError(
                "The AIFF file lacks its one COMM or SSND chunk; it is damaged."
            )
        self.payload = Payload("aiff-ssnd", tuple((c.body, c.size) for c in (*common, *sound)))
        notes = ["wrong_form_size"] if declared + 8 not in (self._end, self._end - 1) else []
        notes += ["trailing_bytes"] if self._end < source.size else []
        notes += ["missing_pad"] if any(c.pad_missing for c in self._chunks) else []
        self.values: dict[str, str] = {}
        self.skipped: dict[str, str] = {}
        self._load_id3(notes)
        self._load_native()
        self.notes = tuple(notes)
        self.slots: tuple[Slot, ...] = id3_frames.SLOTS

    def _check_complete(self, cut: Chunk | None, declared_end: int) -> None:
        ends = {c.end for c in self._chunks}
        if self._end < self._source.size and declared_end in ends:
            self._end = declared_end
            self._chunks = tuple(c for c in self._chunks if c.end <= declared_end)
        elif cut is not None:
            raise MalformedFileError(
                f"The file ends in the middle of its {cut.id.decode('latin-1')!r} chunk: it is cut "
                "short, or still being written. Copy or record it again.",
                code="truncated",
            )
        inside = self._source.read(self._end, max(0, declared_end - self._end))
        if inside.strip(b"\0"):
            raise MalformedFileError(
                f"The chunk list of the file breaks off at byte {self._end}. It is damaged."
            )

    def _load_native(self) -> None:
        for chunk in self._chunks:
            if chunk.id in NATIVE and chunk.size <= MAX_METADATA_BYTES:
                raw = read_exact(self._source, chunk.body, chunk.size).split(b"\0", 1)[0]
                text = raw.decode("utf-8", errors="replace").strip()
                if text:
                    self.values.setdefault(NATIVE[chunk.id], text)

    def _load_id3(self, notes: list[str]) -> None:
        found = [c for c in self._chunks if c.id.upper() == b"ID3 "]
        self._id3 = found[0] if found else None
        self._tag: id3.Id3Tag | None = None
        if len(found) > 1:
            notes.append("duplicate_id3")
        if self._id3 is None:
            return
        if self._id3.size > MAX_METADATA_BYTES:
            self.skipped["id3"] = "too_large"
            return
        reading = id3.read_tag(read_exact(self._source, self._id3.body, self._id3.size))
        self._tag = reading.tag
        self.values.update(reading.values)
        self.skipped.update(reading.skipped)
        notes += reading.notes

    def edit(self, changes: Mapping[str, str]) -> list[Splice]:
        """Return splices that set slots to a text, or remove them for ""."""
        if not changes:
            return []
        body = id3.edit_tag(self._tag, changes)
        chunk_id = self._id3.id if self._id3 else b"ID3 "
        encoded = encode_chunk(chunk_id, body, big_endian=True) if body else b""
        at, length = self._end, 0
        if self._id3 is not None:
            at, length = self._id3.offset, self._id3.end - self._id3.offset
        pads = [
            Splice(c.body + c.size, 0, b"\0")
            for c in self._chunks
            if c.pad_missing and c is not self._id3
        ]
        splices = [*pads, Splice(at, length, encoded)]
        size = self._end - 8 + sum(s.growth for s in splices)
        if size > _LIMIT:
            raise UnsupportedStructureError(
                "With its tags the AIFF file would be larger than the 4 GiB the format allows.",
                code="too_large",
            )
        return [Splice(4, 4, struct.pack(">I", size)), *splices]
