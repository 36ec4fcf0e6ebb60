"""MP3 files: an ID3v2 tag at the head is edited, ID3v1, APEv2 and Lyrics3 at the tail are kept."""

from __future__ import annotations

from collections.abc import Mapping

from earmark_files.metadata import id3, id3_frames
from earmark_files.metadata.document import MAX_METADATA_BYTES, Payload, Slot
from earmark_files.metadata.errors import MalformedFileError
from earmark_files.metadata.source import Source, Splice

_SEARCH = 64 << 10


def trailing_tags(source: Source, start: int) -> int:
    """Return where the tags at the end of the file (ID3v1, APEv2, Lyrics3v2) begin."""
    end = source.size
    for _ in range(8):
        before = end
        if end - start >= 128 and source.read(end - 128, 3) == b"TAG":
            end -= 128
        footer = source.read(end - 32, 32) if end - start >= 32 else b""
        if footer[:8] == b"APETAGEX":
            size = int.from_bytes(footer[12:16], "little")
            size += 32 if int.from_bytes(footer[20:24], "little") & 1 << 31 else 0
            if 32 <= size <= end - start:
                end -= size
        lyrics = source.read(end - 15, 15) if end - start >= 15 else b""
        if lyrics[6:] == b"LYRICS200" and lyrics[:6].isdigit():
            size = int(lyrics[:6]) + 15
            if size <= end - start:
                end -= size
        if end == before:
            break
    return end


def leading_tags(source: Source) -> tuple[tuple[int, int], ...]:
    """Return offset and length of the ID3v2 tags the file begins with."""
    found: list[tuple[int, int]] = []
    position = 0
    while length := id3.tag_length(source.read(position, id3.HEADER)):
        if position + length > source.size:
            raise MalformedFileError(
                "The ID3 tag at the beginning is longer than the file: it is cut short.",
                code="truncated",
            )
        found.append((position, length))
        position += length
    return tuple(found)


_BITRATES = {
    # (MPEG version is 1, layer): kbit/s by index; ISO 11172-3 and 13818-3, 2.4.2.3
    (True, 1): (32, 64, 96, 128, 160, 192, 224, 256, 288, 320, 352, 384, 416, 448),
    (True, 2): (32, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320, 384),
    (True, 3): (32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320),
    (False, 1): (32, 48, 56, 64, 80, 96, 112, 128, 144, 160, 176, 192, 224, 256),
    (False, 2): (8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160),
    (False, 3): (8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160),
}
_RATES = (44100, 48000, 32000)


def is_frame_header(head: bytes) -> bool:
    """Whether four bytes can begin an MPEG audio frame (ISO 11172-3, 2.4.1.3)."""
    if len(head) < 4 or head[0] != 0xFF or head[1] & 0xE0 != 0xE0:
        return False
    version, layer = head[1] >> 3 & 3, head[1] >> 1 & 3
    rate, frequency = head[2] >> 4, head[2] >> 2 & 3
    return version != 1 and layer != 0 and rate != 15 and frequency != 3


def frame_length(head: bytes) -> int:
    """Return the bytes of the frame that begins with these four; 0 for a free bit rate."""
    version, layer = head[1] >> 3 & 3, 4 - (head[1] >> 1 & 3)
    index, padding = head[2] >> 4, head[2] >> 1 & 1
    if index == 0:
        return 0
    kilobits = _BITRATES[version == 3, layer][index - 1]
    rate = _RATES[head[2] >> 2 & 3] >> {3: 0, 2: 1, 0: 2}[version]
    if layer == 1:
        return (12000 * kilobits // rate + padding) * 4
    samples = 72000 if layer == 3 and version != 3 else 144000
    return samples * kilobits // rate + padding


def has_frames(source: Source, start: int, count: int = 2) -> bool:
    """Whether `count` MPEG frames in a row begin within 64 KiB of `start`.

    One header alone may be chance. A file or tag that ends where a frame ends will do, too.
    """
    data = source.read(start, _SEARCH)
    at = data.find(b"\xff")
    while at >= 0:
        if is_frame_header(data[at : at + 4]) and _chain(source, start + at, count):
            return True
        at = data.find(b"\xff", at + 1)
    return False


def _chain(source: Source, offset: int, count: int) -> bool:
    for number in range(count):
        head = source.read(offset, 4)
        if not is_frame_header(head):
            ends = len(head) < 4 or head[:3] in (b"TAG", b"APE", b"LYR", b"\0\0\0")
            return number > 0 and ends and count <= 2
        length = frame_length(head)
        if length == 0:
            # A free bit rate: the length is written nowhere, so one header must do; too little
            # where a longer chain is asked for.
            return count <= 2
        offset += length
    return True


class Mp3Document:
    """A parsed MP3 file; see `earmark_files.metadata.document.Document`."""

    container = "mp3"

    def __init__(self, source: Source) -> None:
        tags = leading_tags(source)
        start = sum(length for _, length in tags)
        if not has_frames(source, start):
            raise MalformedFileError("No MPEG audio was found in the MP3 file.")
        end = trailing_tags(source, start)
        self.payload = Payload("mp3-frames", ((start, end - start),))
        self.values: dict[str, str] = {}
        self.skipped: dict[str, str] = {}
        notes: list[str] = []
        self._place = tags[0] if tags else (0, 0)
        self._tag: id3.Id3Tag | None = None
        if len(tags) > 1:
            notes.append("duplicate_id3")
        if self._place[1] > MAX_METADATA_BYTES:
            self.skipped["id3"] = "too_large"
        elif tags:
            found = id3.read_tag(source.read(*self._place))
            self._tag = found.tag
            self.values.update(found.values)
            self.skipped.update(found.skipped)
            notes += found.notes
        self.notes = tuple(notes)
        self.slots: tuple[Slot, ...] = id3_frames.SLOTS

    def edit(self, changes: Mapping[str, str]) -> list[Splice]:
        """Return splices that set slots to a text, or remove them for ""."""
        if not changes:
            return []
        offset, length = self._place
        return [Splice(offset, length, id3.edit_tag(self._tag, changes))]
