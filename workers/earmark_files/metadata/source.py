"""Random access to the bytes of a file, real or planned, and the splices that change them.

A write is a list of splices on the old file: "these bytes here become those". Everything that is
not named by a splice is copied, so nothing foreign can be lost by an oversight in a container
module, and the inverse list is exactly what is needed to undo the write byte for byte.
"""

from __future__ import annotations

import bisect
import os
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol

from earmark_files.metadata.errors import MalformedFileError

BLOCK = 1 << 20


class Source(Protocol):
    """Something with a size and bytes."""

    @property
    def size(self) -> int:
        """Length in bytes."""

    def read(self, offset: int, length: int) -> bytes:
        """Return `length` bytes at `offset`, fewer only at the end."""


class BytesSource:
    """A file that is already in memory."""

    def __init__(self, data: bytes) -> None:
        self._data = data

    @property
    def size(self) -> int:
        """Length in bytes."""
        return len(self._data)

    def read(self, offset: int, length: int) -> bytes:
        """Return `length` bytes at `offset`, fewer only at the end."""
        return self._data[offset : offset + length]


class FileSource:
    """An open file descriptor; its position is neither used nor moved."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor
        self._size = os.fstat(descriptor).st_size

    @property
    def size(self) -> int:
        """Length in bytes when it was opened."""
        return self._size

    def read(self, offset: int, length: int) -> bytes:
        """Return `length` bytes at `offset`, fewer only at the end."""
        data = os.pread(self._descriptor, length, offset)
        if len(data) == length or not data:
            return data
        parts = [data]
        got = len(data)
        while got < length:
            data = os.pread(self._descriptor, length - got, offset + got)
            if not data:
                break
            parts.append(data)
            got += len(data)
        return b"".join(parts)


def read_exact(source: Source, offset: int, length: int) -> bytes:
    """Return exactly `length` bytes, or raise `MalformedFileError`."""
    data = source.read(offset, length)
    if len(data) != length:
        raise MalformedFileError("The file ends in the middle of its own structure.")
    return data


@dataclass(frozen=True)
class Splice:
    """Replace `length` bytes at `offset` of the old file by `data`."""

    offset: int
    length: int
    data: bytes

    @property
    def end(self) -> int:
        """First old byte after the replaced ones."""
        return self.offset + self.length

    @property
    def growth(self) -> int:
        """By how many bytes the file becomes longer."""
        return len(self.data) - self.length


def normalise(splices: Iterable[Splice], size: int) -> tuple[Splice, ...]:
    """Sort splices, join those that touch, and check that they fit the file.

    Raises
    ------
    ValueError
        When two splices overlap or one lies outside the file: an error in a container module.
    """
    joined: list[Splice] = []
    for splice in sorted(splices, key=lambda s: (s.offset, s.end)):
        if splice.offset < 0 or splice.length < 0 or splice.end > size:
            raise ValueError(f"splice outside the file: {splice.offset}+{splice.length} of {size}")
        if joined and splice.offset < joined[-1].end:
            raise ValueError(f"splices overlap at {splice.offset}")
        if joined and splice.offset == joined[-1].end:
            last = joined.pop()
            splice = Splice(last.offset, last.length + splice.length, last.data + splice.data)
        joined.append(splice)
    return tuple(s for s in joined if s.length or s.data)


def invert(splices: Sequence[Splice], old: Source) -> tuple[Splice, ...]:
    """Return splices that turn the new file back into the old one."""
    inverse: list[Splice] = []
    shift = 0
    for splice in splices:
        original = read_exact(old, splice.offset, splice.length)
        inverse.append(Splice(splice.offset + shift, len(splice.data), original))
        shift += splice.growth
    return tuple(inverse)


def copied_ranges(splices: Sequence[Splice], size: int) -> Iterator[tuple[int, int, int]]:
    """Yield ``(old offset, new offset, length)`` of everything the splices leave alone."""
    position = 0
    shift = 0
    for splice in splices:
        if splice.offset > position:
            yield position, position + shift, splice.offset - position
        position = splice.end
        shift += splice.growth
    if position < size:
        yield position, position + shift, size - position


class SplicedSource:
    """The file as it will be once the splices are applied, without touching it."""

    def __init__(self, old: Source, splices: Sequence[Splice]) -> None:
        self._old = old
        self._size = old.size + sum(s.growth for s in splices)
        self._pieces: list[tuple[int, int, int, bytes | None]] = []
        for old_offset, new_offset, length in copied_ranges(splices, old.size):
            self._pieces.append((new_offset, length, old_offset, None))
        shift = 0
        for splice in splices:
            if splice.data:
                self._pieces.append((splice.offset + shift, len(splice.data), 0, splice.data))
            shift += splice.growth
        self._pieces.sort(key=lambda piece: piece[0])
        self._starts = [piece[0] for piece in self._pieces]

    @property
    def size(self) -> int:
        """Length in bytes after the write."""
        return self._size

    def read(self, offset: int, length: int) -> bytes:
        """Return `length` bytes at `offset`, fewer only at the end."""
        parts: list[bytes] = []
        index = bisect.bisect_right(self._starts, offset) - 1
        end = min(offset + length, self._size)
        while offset < end:
            start, size, old_offset, data = self._pieces[index]
            inside = offset - start
            take = min(size - inside, end - offset)
            if data is None:
                part = self._old.read(old_offset + inside, take)
            else:
                part = data[inside : inside + take]
            parts.append(part)
            if len(part) < take:
                break
            offset += take
            index += 1
        return b"".join(parts)


def iterate(source: Source, spans: Iterable[tuple[int, int]]) -> Iterator[bytes]:
    """Yield the bytes of ``(offset, length)`` spans in blocks of at most 1 MiB.

    Raises
    ------
    MalformedFileError
        When the file ends inside a span.
    """
    for offset, length in spans:
        while length > 0:
            block = read_exact(source, offset, min(BLOCK, length))
            yield block
            offset += len(block)
            length -= len(block)
