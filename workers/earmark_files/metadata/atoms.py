"""MP4 atoms (ISO 14496-12 boxes): the tree of a movie header and iTunes metadata items."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass

from earmark_files.metadata.errors import MalformedFileError
from earmark_files.metadata.source import Source, read_exact

MAX_ATOMS = 100_000


@dataclass(frozen=True)
class Atom:
    """One atom: its type, where its header begins, how long header and whole atom are."""

    kind: bytes
    offset: int
    header: int
    size: int

    @property
    def body(self) -> int:
        """Offset of the first body byte."""
        return self.offset + self.header

    @property
    def end(self) -> int:
        """First byte after the atom."""
        return self.offset + self.size


def iterate_atoms(source: Source, start: int, end: int) -> Iterator[Atom]:
    """Yield the atoms between two offsets.

    Raises
    ------
    MalformedFileError
        When an atom reaches beyond `end`, or something that is none follows the last one. Zeros
        end a list quietly, as QuickTime writes them; an atom of size 0 reaches to the end of the
        file and is only believed at the top.
    """
    top = start == 0
    for _ in range(MAX_ATOMS):
        if end - start < 8 or (not top and source.read(start, 4) == b"\0\0\0\0"):
            rest = source.read(start, end - start)
            if rest.strip(b"\0") and not top:
                raise MalformedFileError("Something that is no atom lies inside another one.")
            return
        size, kind = struct.unpack(">I4s", read_exact(source, start, 8))
        header = 8
        if size == 1:
            size, header = struct.unpack(">Q", read_exact(source, start + 8, 8))[0], 16
        elif size == 0:
            size = end - start
        if size < header or start + size > end:
            raise MalformedFileError(
                f"The file ends in the middle of its {kind.decode('latin-1')!r} atom: it is cut "
                "short or damaged.",
                code="truncated",
            )
        yield Atom(kind, start, header, size)
        start += size
    raise MalformedFileError("The file has more atoms than any real one.")


def encode_atom(kind: bytes, body: bytes) -> bytes:
    """Return a whole atom with a 32-bit size."""
    return struct.pack(">I4s", len(body) + 8, kind) + body


def content_end(source: Source, parent: Atom, skip: int = 0) -> int:
    """Return where the last child of an atom ends; only zeros may follow it."""
    children = list(iterate_atoms(source, parent.body + skip, parent.end))
    return children[-1].end if children else parent.body + skip


@dataclass(frozen=True)
class Item:
    """A metadata item exactly as found, with its key and, if it is text, its text."""

    key: str
    raw: bytes
    text: str


def _data_text(body: bytes) -> str:
    if len(body) < 8:
        return ""
    kind = int.from_bytes(body[:4], "big") & 0xFFFFFF
    if kind not in (1, 2):
        return ""
    return body[8:].decode("utf-8" if kind == 1 else "utf-16-be", errors="replace").strip("\0 ")


def parse_item(source: Source, atom: Atom) -> Item:
    """Read one child of ``ilst``; freeform items get a key ``mean:name``."""
    raw = read_exact(source, atom.offset, atom.size)
    key = atom.kind.decode("latin-1")
    names: dict[bytes, str] = {}
    text = ""
    for part in iterate_atoms(source, atom.body, atom.end):
        body = read_exact(source, part.body, part.end - part.body)
        if part.kind == b"data":
            text = text or _data_text(body)
        elif part.kind in (b"mean", b"name"):
            names[part.kind] = body[4:].decode("utf-8", errors="replace")
    if atom.kind == b"----":
        key = f"{names.get(b'mean', '')}:{names.get(b'name', '')}"
    return Item(key, raw, text)


def encode_item(key: str, text: str) -> bytes:
    """Return a text item; a key with a colon makes a freeform one."""
    data = encode_atom(b"data", struct.pack(">II", 1, 0) + text.encode())
    if ":" not in key:
        return encode_atom(key.encode("latin-1"), data)
    mean, name = key.split(":", 1)
    parts = encode_atom(b"mean", b"\0\0\0\0" + mean.encode())
    parts += encode_atom(b"name", b"\0\0\0\0" + name.encode())
    return encode_atom(b"----", parts + data)
