"""FLAC files: the VORBIS_COMMENT block is edited, every other block is kept (RFC 9639)."""

from __future__ import annotations

from collections.abc import Mapping

from earmark_files.metadata import mp3, vorbis
from earmark_files.metadata.document import Payload, Slot
from earmark_files.metadata.errors import MalformedFileError, UnsupportedStructureError
from earmark_files.metadata.source import Source, Splice, read_exact

VORBIS_COMMENT = 4
_MAX_BLOCK = (1 << 24) - 1
_MAX_BLOCKS = 10_000


class FlacDocument:
    """A parsed FLAC file; see `earmark_files.metadata.document.Document`."""

    container = "flac"

    def __init__(self, source: Source) -> None:
        notes: list[str] = []
        start = sum(length for _, length in mp3.leading_tags(source))
        if start:
            notes.append("id3_before_flac")
        if source.read(start, 4) != b"fLaC":
            raise MalformedFileError("This is not a FLAC file.")
        self._blocks = _blocks(source, start + 4)
        frames = self._blocks[-1][1] + 4 + self._blocks[-1][2]
        if self._blocks[0][0] != 0:
            raise MalformedFileError("The FLAC file does not begin with its stream information.")
        if source.read(frames, 1) not in (b"", b"\xff"):
            raise MalformedFileError("No audio frame follows the metadata of the FLAC file.")
        end = mp3.trailing_tags(source, frames)
        info = (self._blocks[0][1] + 4, self._blocks[0][2])
        self.payload = Payload("flac-frames", (info, (frames, end - frames)))
        self.values: dict[str, str] = {}
        self.skipped: dict[str, str] = {}
        self._comments = vorbis.Comments(b"Earmark", (), b"")
        found = [b for b in self._blocks if b[0] == VORBIS_COMMENT]
        self._block = found[0] if found else None
        if len(found) > 1:
            notes.append("duplicate_vorbis_comment")
        if self._block is not None:
            try:
                data = read_exact(source, self._block[1] + 4, self._block[2])
                self._comments = vorbis.parse_comments(data)
                self.values.update(vorbis.read_values(self._comments))
            except vorbis.VorbisError as error:
                self.skipped["vorbis"] = "vorbis_broken"
                notes.append(f"vorbis_broken: {error}")
        self.notes = tuple(notes)
        self.slots: tuple[Slot, ...] = vorbis.SLOTS

    def edit(self, changes: Mapping[str, str]) -> list[Splice]:
        """Return splices that set slots to a text, or remove them for ""."""
        if not changes:
            return []
        body = vorbis.edit_comments(self._comments, changes).encode()
        if len(body) > _MAX_BLOCK:
            raise UnsupportedStructureError("The comments would exceed the 16 MiB FLAC allows.")
        size = len(body).to_bytes(3, "big")
        if self._block is not None:
            _, offset, length, last = self._block
            flag = (0x80 if last else 0) | VORBIS_COMMENT
            return [Splice(offset, 4 + length, bytes([flag]) + size + body)]
        # Right behind STREAMINFO, where encoders put it.
        _, offset, length, last = self._blocks[0]
        at = offset + 4 + length
        flag = (0x80 if last else 0) | VORBIS_COMMENT
        return [
            Splice(offset, 1, b"\x00"),
            Splice(at, 0, bytes([flag]) + size + body),
        ]


def _blocks(source: Source, position: int) -> list[tuple[int, int, int, bool]]:
    """Return type, offset, body length and last flag of every metadata block."""
    blocks: list[tuple[int, int, int, bool]] = []
    last = False
    while not last:
        head = read_exact(source, position, 4)
        last, kind, length = bool(head[0] & 0x80), head[0] & 0x7F, int.from_bytes(head[1:], "big")
        if kind == 127 or position + 4 + length > source.size or len(blocks) >= _MAX_BLOCKS:
            raise MalformedFileError("The metadata blocks of the FLAC file are damaged.")
        blocks.append((kind, position, length, last))
        position += 4 + length
    return blocks
