"""Ogg Vorbis and Opus files: the comment packet is edited, audio packets are never changed.

Sources: Vorbis I specification, RFC 3533 (Ogg), RFC 7845 (Opus in Ogg).
"""

from __future__ import annotations

import struct
from collections.abc import Mapping
from dataclasses import dataclass

from earmark_files.metadata import vorbis
from earmark_files.metadata.document import MAX_METADATA_BYTES, Payload, Slot
from earmark_files.metadata.errors import MalformedFileError, UnsupportedStructureError
from earmark_files.metadata.ogg_pages import Page, checksum, pages, paginate
from earmark_files.metadata.source import Source, Splice, iterate, read_exact


@dataclass(frozen=True)
class _Codec:
    name: str
    first: bytes
    comment: bytes
    headers: int


_CODECS = (
    _Codec("vorbis", b"\x01vorbis", b"\x03vorbis", 3),
    _Codec("opus", b"OpusHead", b"OpusTags", 2),
)


class OggDocument:
    """A parsed Ogg file; see `earmark_files.metadata.document.Document`."""

    container = "ogg"

    def __init__(self, source: Source) -> None:
        self._source = source
        self._pages = list(pages(source))
        if not self._pages:
            raise MalformedFileError("This is not an Ogg file, or its first page is damaged.")
        end = self._pages[-1].end
        if source.read(end, 4) == b"OggS":
            raise MalformedFileError(
                "The last page of the Ogg file is cut short. Copy or encode it again.",
                code="truncated",
            )
        first = self._pages[0]
        head = source.read(first.body, 8)
        self._codec = next((c for c in _CODECS if head.startswith(c.first)), None)
        if self._codec is None or len(self._pages) < 2:
            raise UnsupportedStructureError(
                "Only Ogg files with Vorbis or Opus sound can be tagged inside the file.",
                code="unsupported_format",
            )
        self.container = self._codec.name
        self._header_pages = self._find_header_pages(self._codec.headers - 1)
        self._packets = self._read_packets()
        self.payload = self._find_payload()
        self.skipped: dict[str, str] = {}
        prefix = self._codec.comment
        if not self._packets[0].startswith(prefix):
            raise MalformedFileError("The Ogg file has no comment packet where one is required.")
        try:
            self._comments = vorbis.parse_comments(self._packets[0][len(prefix) :])
        except vorbis.VorbisError as error:
            raise MalformedFileError(
                f"The comments of the Ogg file are damaged: {error}."
            ) from error
        self.values = vorbis.read_values(self._comments)
        self.slots: tuple[Slot, ...] = vorbis.SLOTS
        self.notes: tuple[str, ...] = ("trailing_bytes",) if end < source.size else ()

    def _find_header_pages(self, packets: int) -> list[Page]:
        """Return the pages after the first that hold the remaining header packets."""
        serial = self._pages[0].serial
        found: list[Page] = []
        if len(self._pages[0].segments) == 0 or self._pages[0].segments[-1] == 255:
            raise UnsupportedStructureError("The first Ogg page does not hold a whole packet.")
        for page in self._pages[1:]:
            if page.serial != serial:
                raise UnsupportedStructureError(
                    "Several streams are interleaved in the Ogg file; it cannot be edited safely."
                )
            found.append(page)
            packets -= sum(size < 255 for size in page.segments)
            if packets <= 0:
                break
            if page.end - found[0].offset > MAX_METADATA_BYTES:
                raise UnsupportedStructureError("The comments of the Ogg file are too large.")
        if packets != 0 or not found or found[-1].segments[-1:] == b"\xff":
            raise UnsupportedStructureError(
                "Header and audio share a page of the Ogg file; it cannot be edited safely."
            )
        return found

    def _read_packets(self) -> list[bytes]:
        """Return the comment packet and, for Vorbis, the set-up packet."""
        packets = [b""]
        for page in self._header_pages:
            at = page.body
            for size in page.segments:
                packets[-1] += read_exact(self._source, at, size)
                at += size
                if size < 255:
                    packets.append(b"")
        return packets[:-1]

    def _find_payload(self) -> Payload:
        """Return identification packet, set-up packet and all later page bodies.

        Page headers are left out: other programs renumber and cut pages anew.
        """
        first = self._pages[0]
        spans = [(first.body, first.end - first.body)]
        skip = len(self._packets[0])
        for page in self._header_pages:
            size = page.end - page.body
            hidden = min(skip, size)
            skip -= hidden
            if size > hidden:
                spans.append((page.body + hidden, size - hidden))
        after = 1 + len(self._header_pages)
        spans += [(p.body, p.end - p.body) for p in self._pages[after:] if p.end > p.body]
        return Payload(f"{self.container}-packets", tuple(spans))

    def edit(self, changes: Mapping[str, str]) -> list[Splice]:
        """Return splices that set slots to a text, or remove them for ""."""
        if not changes or self._codec is None:
            return []
        comments = vorbis.edit_comments(self._comments, changes)
        packets = [self._codec.comment + comments.encode(), *self._packets[1:]]
        old = self._header_pages
        new = paginate(packets, old[0].serial, old[0].sequence, len(old))
        region = Splice(old[0].offset, old[-1].end - old[0].offset, b"".join(new))
        return [region, *self._renumber(len(new) - len(old))]

    def _renumber(self, shift: int) -> list[Splice]:
        """Return splices for number and checksum of every later page of the stream."""
        if not shift:
            return []
        splices: list[Splice] = []
        serial = self._pages[0].serial
        for page in self._pages[1 + len(self._header_pages) :]:
            if page.serial != serial:
                continue
            raw = b"".join(iterate(self._source, [(page.offset, page.end - page.offset)]))
            number = struct.pack("<I", (page.sequence + shift) & 0xFFFFFFFF)
            blank = raw[:18] + number + b"\0\0\0\0" + raw[26:]
            splices.append(Splice(page.offset + 18, 8, number + checksum(blank)))
        return splices
