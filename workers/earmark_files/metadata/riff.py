"""WAV files: RIFF, RF64 and BW64 with bext, iXML, LIST INFO and an ``id3 `` chunk.

Every chunk is kept byte for byte and in order, except the four above where a tag changes. New
chunks are put behind the audio so that the audio does not move; INFO comes last because Windows
Explorer looks there. Sources: EBU Tech 3285 (bext), EBU Tech 3306 and ITU-R BS.2088 (RF64, BW64).
"""

from __future__ import annotations

import struct
from collections.abc import Mapping

from earmark_files.metadata import bext, id3, id3_frames, ixml
from earmark_files.metadata.chunks import UNKNOWN_SIZE, Chunk, encode_chunk
from earmark_files.metadata.document import MAX_METADATA_BYTES, Payload, Slot
from earmark_files.metadata.errors import UnsupportedStructureError
from earmark_files.metadata.info import InfoEntry, edit_info, parse_info
from earmark_files.metadata.riff_form import parse_form
from earmark_files.metadata.source import Source, Splice, read_exact
from earmark_files.metadata.xml_splice import XmlDocument, XmlError

_LIMIT = 0xFFFFFFFF
_DS64_BYTES = 28

BEXT_SLOT = Slot("bext/Description", "description", encode=bext.encode_description)
INFO_SLOTS = (
    Slot("info/IKEY", "keywords"),
    Slot("info/IGNR", "category", defining=False),
    Slot("info/ICMT", "description", defining=False),
    Slot("info/ISBJ", "description"),
)


def _find(chunks: tuple[Chunk, ...], *names: bytes) -> list[Chunk]:
    return [c for c in chunks if c.id.lower() in names]


class WavDocument:
    """A parsed WAV file; see `earmark_files.metadata.document.Document`."""

    container = "wav"

    def __init__(
        self, source: Source, *, create_bext: bool = True, promote_rf64: bool = False
    ) -> None:
        self._source = source
        self._form = form = parse_form(source)
        self.payload = Payload(
            "wav-data", ((form.format.body, form.format.size), (form.data.body, form.data.size))
        )
        self._notes = list(form.notes)
        self._repeated: set[str] = set()
        self.values: dict[str, str] = {}
        self.skipped: dict[str, str] = {}
        self._create_bext = create_bext
        self._promote_rf64 = promote_rf64
        self._load_ixml()
        self._load_bext()
        self._load_id3()
        self._load_info()
        self.notes = tuple(dict.fromkeys(self._notes))
        self.slots = (*ixml.SLOTS, BEXT_SLOT, *id3_frames.SLOTS, *INFO_SLOTS)

    def _first(self, group: str, *names: bytes) -> Chunk | None:
        """Return the first chunk of a kind, noting further ones and refusing huge ones."""
        found = _find(self._form.chunks, *names)
        if len(found) > 1:
            self._notes.append(f"duplicate_{group}")
            self._repeated.add(group)
        if found and found[0].size > MAX_METADATA_BYTES:
            self.skipped[group] = "too_large"
        return found[0] if found else None

    def _body(self, chunk: Chunk) -> bytes:
        return read_exact(self._source, chunk.body, chunk.size)

    def _load_bext(self) -> None:
        self._bext = chunk = self._first("bext", b"bext")
        if chunk is None:
            if not self._create_bext:
                self.skipped["bext"] = "no_bext_chunk"
        elif chunk.size < bext.FIXED_BYTES:
            self.skipped["bext"] = "bext_too_short"
        elif "bext" not in self.skipped:
            text = bext.read_description(read_exact(self._source, chunk.body, 256))
            if text:
                self.values[BEXT_SLOT.name] = text

    def _load_ixml(self) -> None:
        self._ixml = chunk = self._first("ixml", b"ixml")
        self._ixml_body = ixml.EMPTY
        if chunk is None or "ixml" in self.skipped:
            return
        if chunk.size > ixml.MAX_BYTES:
            self.skipped["ixml"] = "too_large"
            return
        body = self._body(chunk)
        if not body.strip(b"\0 \t\r\n"):
            return
        try:
            document = XmlDocument(body)
        except XmlError as error:
            self.skipped["ixml"] = "ixml_broken"
            self._notes.append(f"ixml_broken: {error}")
            return
        self._ixml_body = body
        values, blocked = ixml.read(document)
        self.values.update(values)
        self.skipped.update(blocked)

    def _load_id3(self) -> None:
        self._id3 = chunk = self._first("id3", b"id3 ")
        self._tag: id3.Id3Tag | None = None
        if chunk is None or "id3" in self.skipped:
            return
        found = id3.read_tag(self._body(chunk))
        self._tag = found.tag
        self.values.update(found.values)
        self.skipped.update(found.skipped)
        self._notes += found.notes

    def _load_info(self) -> None:
        lists = [
            c
            for c in _find(self._form.chunks, b"list")
            if c.size >= 4 and self._source.read(c.body, 4).upper() == b"INFO"
        ]
        # Where there are several, the last counts, because a changed one is put last.
        self._info = lists[-1] if lists else None
        self._info_entries: list[InfoEntry] = []
        if len(lists) > 1:
            self._notes.append("duplicate_info")
            self._repeated.add("info")
        if self._info is None:
            return
        if self._info.size > MAX_METADATA_BYTES:
            self.skipped["info"] = "too_large"
            return
        entries = parse_info(self._body(self._info)[4:])
        if entries is None:
            self.skipped["info"] = "info_broken"
            return
        self._info_entries = entries
        for slot in INFO_SLOTS:
            key = slot.name.removeprefix("info/").encode()
            texts = [e.text for e in entries if e.id.upper() == key and e.text]
            if texts:
                self.values[slot.name] = texts[0]
            if len(texts) > 1:
                self.skipped[slot.name] = "repeated"

    def edit(self, changes: Mapping[str, str]) -> list[Splice]:
        """Return splices that set slots to a text, or remove them for ""."""
        groups: dict[str, dict[str, str]] = {}
        for name, text in changes.items():
            groups.setdefault(name.split("/")[0], {})[name] = text
        splices: list[Splice] = []
        tail: list[bytes] = []
        for group, rewrite in (
            ("bext", self._edit_bext),
            ("ixml", self._edit_ixml),
            ("id3", self._edit_id3),
        ):
            if group in groups:
                existing, encoded = rewrite(groups[group])
                if existing is not None:
                    splices.append(Splice(existing.offset, existing.end - existing.offset, encoded))
                elif encoded:
                    tail.append(encoded)
        if "info" in groups:
            splices += self._edit_info(groups["info"], tail)
            tail = []
        return self.with_frame(splices, b"".join(tail))

    def with_frame(self, splices: list[Splice], new_chunks: bytes = b"") -> list[Splice]:
        """Return splices of whole chunks with everything in the frame that follows from them.

        `new_chunks` come behind the audio and whatever is there, but before an INFO that is last.
        """
        if new_chunks:
            splices = [*splices, Splice(self._tail_offset(), 0, new_chunks)]
        # Repairs come first: a missing pad belongs before anything put in at the same place.
        return self._repairs(splices) + splices if splices else []

    # A chunk that is left with nothing is dropped, but not where a further one of its kind would
    # then be taken for it.

    def _edit_bext(self, changes: Mapping[str, str]) -> tuple[Chunk | None, bytes]:
        body = self._body(self._bext) if self._bext else None
        text = changes[BEXT_SLOT.name]
        new = bext.write_description(body, text)
        if not text and not new.strip(b"\0\x01") and "bext" not in self._repeated:
            return self._bext, b""
        return self._bext, encode_chunk(self._bext.id if self._bext else b"bext", new)

    def _edit_ixml(self, changes: Mapping[str, str]) -> tuple[Chunk | None, bytes]:
        document = XmlDocument(self._ixml_body)
        ixml.edit(document, changes)
        if ixml.is_bare(document) and "ixml" not in self._repeated:
            return self._ixml, b""
        chunk_id = self._ixml.id if self._ixml else b"iXML"
        return self._ixml, encode_chunk(chunk_id, document.to_bytes())

    def _edit_id3(self, changes: Mapping[str, str]) -> tuple[Chunk | None, bytes]:
        body = id3.edit_tag(self._tag, changes)
        chunk_id = self._id3.id if self._id3 else b"id3 "
        keep = body or "id3" in self._repeated
        return self._id3, encode_chunk(chunk_id, body) if keep else b""

    def _edit_info(self, changes: Mapping[str, str], tail: list[bytes]) -> list[Splice]:
        """Write INFO as the last chunk, behind the new chunks in `tail`."""
        keyed = {name.removeprefix("info/").encode(): text for name, text in changes.items()}
        body = edit_info(self._info_entries, keyed)
        encoded = encode_chunk(self._info.id if self._info else b"LIST", b"INFO" + body)
        if not body and "info" not in self._repeated:
            encoded = b""
        end = self._form.end
        if self._info is None:
            return [Splice(end, 0, b"".join(tail) + encoded)]
        whole = self._info.end - self._info.offset
        if self._info.end == end:
            return [Splice(self._info.offset, whole, b"".join(tail) + encoded)]
        return [
            Splice(self._info.offset, whole, b""),
            Splice(end, 0, b"".join(tail) + encoded),
        ]

    def _tail_offset(self) -> int:
        """Return where new chunks go: behind everything, but before an INFO that is last."""
        if self._info is not None and self._info.end == self._form.end:
            return self._info.offset
        return self._form.end

    def _repairs(self, splices: list[Splice]) -> list[Splice]:
        """Return pads that were missing and every size field that follows from the rest."""
        form = self._form
        touched = {s.offset for s in splices if s.length}
        repairs = [
            Splice(c.body + c.size, 0, b"\0")
            for c in form.chunks
            if c.pad_missing and c.offset not in touched
        ]
        size = form.end - 8 + sum(s.growth for s in (*splices, *repairs))
        if form.ds64 is not None:
            return [Splice(20, 8, struct.pack("<Q", size)), *repairs]
        if size >= _LIMIT or form.data.size >= _LIMIT:
            if not self._promote_rf64:
                raise UnsupportedStructureError(
                    "With its tags the WAV file would be larger than 4 GiB, which needs the RF64 "
                    "format. Allow that in the policy (promote_rf64), or convert it first.",
                    code="needs_rf64",
                )
            return [*self._promote(size), *repairs]
        if form.data_size_unknown:
            repairs.append(Splice(form.data.offset + 4, 4, struct.pack("<I", form.data.size)))
        return [Splice(4, 4, struct.pack("<I", size)), *repairs]

    def _promote(self, size: int) -> list[Splice]:
        """Return splices that make RF64 of a RIFF file whose form will have `size` bytes.

        A JUNK chunk at the beginning was left there for the ds64 chunk (EBU Tech 3306, 3.5).
        """
        form = self._form
        first = form.chunks[0]
        reserved = first.id == b"JUNK" and first.offset == 12 and first.size >= _DS64_BYTES
        room = first.size if reserved else _DS64_BYTES
        size += 0 if reserved else 8 + room
        align = struct.unpack("<H", read_exact(self._source, form.format.body + 12, 2))[0]
        frames = form.data.size // max(1, align)
        body = struct.pack("<QQQI", size, form.data.size, frames, 0).ljust(room, b"\0")
        ds64 = encode_chunk(b"ds64", body)
        unknown = struct.pack("<I", UNKNOWN_SIZE)
        return [
            Splice(0, 8, b"RF64" + unknown),
            Splice(12, len(ds64) if reserved else 0, ds64),
            Splice(form.data.offset + 4, 4, unknown),
        ]
