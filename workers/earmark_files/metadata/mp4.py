"""M4A and MP4 files: iTunes items in ``moov/udta/meta/ilst`` are edited, media data is not.

Sources: ISO 14496-12 (boxes), QuickTime File Format Specification (metadata atoms).
"""

from __future__ import annotations

import struct
from collections.abc import Mapping

from earmark_files.metadata.atoms import (
    Atom,
    Item,
    content_end,
    encode_atom,
    encode_item,
    iterate_atoms,
    parse_item,
)
from earmark_files.metadata.document import MAX_METADATA_BYTES, Payload, Slot
from earmark_files.metadata.errors import MalformedFileError, UnsupportedStructureError
from earmark_files.metadata.source import Source, Splice, read_exact

SLOTS = (
    Slot("mp4/©gen", "genre", defining=False),
    Slot("mp4/desc", "description"),
    Slot("mp4/©cmt", "description", defining=False),
    Slot("mp4/com.earmark:KEYWORDS", "keywords"),
    Slot("mp4/com.earmark:CATID", "catid"),
    Slot("mp4/com.earmark:EARMARK", "provenance"),
)
_HANDLER = encode_atom(b"hdlr", struct.pack(">II4s4sIIB", 0, 0, b"mdir", b"appl", 0, 0, 0))
# Atoms outside the movie header that hold absolute file offsets.
_WITH_OFFSETS = {b"moof", b"mfra", b"sidx", b"meta"}


class Mp4Document:
    """A parsed MP4 file; see `earmark_files.metadata.document.Document`."""

    container = "mp4"

    def __init__(self, source: Source) -> None:
        self._source = source
        self._top = list(iterate_atoms(source, 0, source.size))
        movies = [a for a in self._top if a.kind == b"moov"]
        media = [a for a in self._top if a.kind == b"mdat"]
        if len(movies) != 1 or not media:
            raise MalformedFileError("The MP4 file lacks its movie header or its media data.")
        self._movie = movies[0]
        if self._movie.size > MAX_METADATA_BYTES:
            raise UnsupportedStructureError("The movie header of the MP4 file is too large.")
        self.payload = Payload("mp4-mdat", tuple((a.body, a.end - a.body) for a in media))
        self.values: dict[str, str] = {}
        self.skipped: dict[str, str] = {}
        self.notes: tuple[str, ...] = ()
        self._user = self._child(self._movie, b"udta")
        self._meta = self._child(self._user, b"meta") if self._user else None
        self._list: Atom | None = None
        self._items: list[Item] = []
        if self._meta is not None:
            self._load_items(self._meta)
        self.slots: tuple[Slot, ...] = SLOTS

    def _child(self, parent: Atom, kind: bytes, skip: int = 0) -> Atom | None:
        atoms = iterate_atoms(self._source, parent.body + skip, parent.end)
        return next((a for a in atoms if a.kind == kind), None)

    def _load_items(self, meta: Atom) -> None:
        full = self._source.read(meta.body + 8, 4) == b"hdlr"
        handler = self._child(meta, b"hdlr", 4) if full else None
        if handler is None or self._source.read(handler.body + 8, 4) != b"mdir":
            self.skipped["mp4"] = "foreign_metadata_handler"
            return
        self._list = self._child(meta, b"ilst", 4)
        if self._list is None:
            return
        atoms = iterate_atoms(self._source, self._list.body, self._list.end)
        self._items = [parse_item(self._source, atom) for atom in atoms]
        for slot in SLOTS:
            key = slot.name.removeprefix("mp4/")
            texts = [i.text for i in self._items if i.key == key and i.text]
            if texts:
                self.values[slot.name] = texts[0]
            if len(texts) > 1:
                self.skipped[slot.name] = "repeated"
        if any(item.key == "gnre" for item in self._items):
            self.skipped["mp4/©gen"] = "numeric_genre"

    def edit(self, changes: Mapping[str, str]) -> list[Splice]:
        """Return splices that set slots to a text, or remove them for ""."""
        if not changes:
            return []
        keyed = {name.removeprefix("mp4/"): text for name, text in changes.items()}
        splices = self._write_list(self._encode_items(keyed))
        growth = sum(s.growth for s in splices)
        return splices + self._shift_offsets(growth) if growth else splices

    def _encode_items(self, changes: dict[str, str]) -> bytes:
        pending = dict(changes)
        parts: list[bytes] = []
        for item in self._items:
            text = pending.pop(item.key, None)
            if text is None:
                parts.append(item.raw)
            elif text:
                parts.append(encode_item(item.key, text))
        parts += [encode_item(key, text) for key, text in pending.items() if text]
        zeros = b""
        if self._list is not None:
            end = content_end(self._source, self._list)
            zeros = read_exact(self._source, end, self._list.end - end)
        return b"".join(parts) + zeros

    def _write_list(self, items: bytes) -> list[Splice]:
        """Return splices for the item list and the sizes of the atoms around it."""
        encoded = encode_atom(b"ilst", items)
        if self._list is not None and self._meta is not None:
            edit = self._fit(self._list, self._meta, encoded)
        elif self._meta is not None:
            edit = Splice(content_end(self._source, self._meta, 4), 0, encoded)
        else:
            meta = encode_atom(b"meta", b"\0\0\0\0" + _HANDLER + encoded)
            if self._user is not None:
                edit = Splice(self._user.body, 0, meta)
            else:
                at = content_end(self._source, self._movie)
                edit = Splice(at, 0, encode_atom(b"udta", meta))
        around = [a for a in (self._movie, self._user, self._meta) if a is not None]
        sizes = [self._resize(atom, edit.growth) for atom in around] if edit.growth else []
        return [*sizes, edit]

    def _fit(self, old: Atom, meta: Atom, encoded: bytes) -> Splice:
        """Use, or leave, free room behind the item list so that nothing has to move."""
        following = next(
            (
                a
                for a in iterate_atoms(self._source, meta.body + 4, meta.end)
                if a.offset == old.end
            ),
            None,
        )
        end = following.end if following and following.kind == b"free" else old.end
        room = end - old.offset - len(encoded)
        if room == 0:
            return Splice(old.offset, end - old.offset, encoded)
        if end > old.end and room >= 8:
            free = encode_atom(b"free", b"\0" * (room - 8))
            return Splice(old.offset, end - old.offset, encoded + free)
        return Splice(old.offset, old.size, encoded)

    def _resize(self, atom: Atom, growth: int) -> Splice:
        size = atom.size + growth
        if atom.header == 16:
            return Splice(atom.offset + 8, 8, struct.pack(">Q", size))
        if self._source.read(atom.offset, 4) == b"\0\0\0\0":
            return Splice(atom.offset, 0, b"")
        return Splice(atom.offset, 4, struct.pack(">I", size))

    def _shift_offsets(self, growth: int) -> list[Splice]:
        """Return splices for the chunk offset tables when media data moves."""
        moved = [a for a in self._top if a.offset >= self._movie.end]
        if not any(a.kind == b"mdat" for a in moved) and not any(
            a.kind in _WITH_OFFSETS for a in self._top
        ):
            return []
        if any(a.kind in _WITH_OFFSETS for a in self._top):
            raise UnsupportedStructureError(
                "The MP4 file is fragmented; its tags cannot grow without moving audio. "
                "Use a sidecar, or rewrite the file as an ordinary M4A."
            )
        splices: list[Splice] = []
        for track in iterate_atoms(self._source, self._movie.body, self._movie.end):
            table = self._offset_table(track) if track.kind == b"trak" else None
            if table is not None:
                splices.append(self._shift_table(table, growth))
        return splices

    def _offset_table(self, track: Atom) -> Atom | None:
        node: Atom | None = track
        for kind in (b"mdia", b"minf", b"stbl"):
            node = self._child(node, kind) if node else None
        if node is None:
            return None
        return self._child(node, b"stco") or self._child(node, b"co64")

    def _shift_table(self, table: Atom, growth: int) -> Splice:
        letter, width = ("I", 4) if table.kind == b"stco" else ("Q", 8)
        count = struct.unpack(">I", read_exact(self._source, table.body + 4, 4))[0]
        if table.body + 8 + count * width > table.end:
            raise MalformedFileError("A chunk offset table of the MP4 file is damaged.")
        raw = read_exact(self._source, table.body + 8, count * width)
        offsets = struct.unpack(f">{count}{letter}", raw)
        moved = [o + growth if o >= self._movie.end else o for o in offsets]
        if moved and max(moved) >= 1 << (8 * width):
            raise UnsupportedStructureError("The MP4 file would grow beyond its 32-bit offsets.")
        return Splice(table.body + 8, len(raw), struct.pack(f">{count}{letter}", *moved))
