"""What every container module offers: slots that can be read and edited, and the audio payload."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Protocol

from earmark_files.metadata.source import Source, Splice, iterate

MAX_METADATA_BYTES = 64 << 20
"""Largest piece of metadata that is read into memory; bigger ones are left alone."""


def same_text(value: str) -> str:
    """Encode nothing: the slot holds the logical value as it is."""
    return value


@dataclass(frozen=True)
class Slot:
    """One place in one container that holds a logical field.

    Attributes
    ----------
    name : str
        Container path for people, such as ``ixml/USER/CATEGORY`` or ``id3/TCON``.
    field : str
        The logical field, one of `earmark_files.metadata.tags.FIELDS` or ``provenance``.
    defining : bool
        Whether somebody else's value here means that the field is taken. A comment or a genre
        says too little for that.
    encode : callable
        What the container makes of a logical value (truncation, ASCII folding); "" where the
        value cannot be expressed there at all.
    """

    name: str
    field: str
    defining: bool = True
    encode: Callable[[str], str] = same_text


@dataclass(frozen=True)
class Payload:
    """The bytes that are the sound, as spans of the file.

    Attributes
    ----------
    scheme : str
        Names the rule by which the spans were chosen; part of the hash text.
    spans : tuple of (int, int)
        Offset and length, in the order in which they are hashed.
    """

    scheme: str
    spans: tuple[tuple[int, int], ...]

    @property
    def size(self) -> int:
        """Bytes of audio."""
        return sum(length for _, length in self.spans)

    def digest(self, source: Source) -> str:
        """Hash the payload: ``scheme:`` and 64 hexadecimal digits of SHA-256.

        The processors of today have instructions for it, so it takes half the time of BLAKE2b;
        this is by far the dearest step that reads the whole file.
        """
        state = hashlib.sha256()
        for block in iterate(source, self.spans):
            state.update(block)
        return f"{self.scheme}:{state.hexdigest()}"

    def rest_digest(self, source: Source) -> str:
        """Hash everything that is not payload, in file order, with the positions of both."""
        state = hashlib.sha256()
        position = 0
        for offset, length in [*sorted(self.spans), (source.size, 0)]:
            state.update(f"{position}+{offset - position};".encode())
            for block in iterate(source, [(position, max(0, offset - position))]):
                state.update(block)
            position = max(position, offset + length)
        return state.hexdigest()


def is_skipped(skipped: Mapping[str, str], slot: str) -> bool:
    """Whether a slot, or the group it belongs to, must be left alone."""
    return any(slot == name or slot.startswith(name + "/") for name in skipped)


class Document(Protocol):
    """A parsed file; made by the ``open_*`` function of a container module."""

    payload: Payload

    @property
    def container(self) -> str:
        """Kind of file: ``wav``, ``aiff``, ``flac`` ..."""

    @property
    def values(self) -> Mapping[str, str]:
        """Text found in each slot that is present, by slot name."""

    @property
    def slots(self) -> tuple[Slot, ...]:
        """Slots of this container, those included that must be left alone."""

    @property
    def skipped(self) -> Mapping[str, str]:
        """Slots, or groups of slots, that must be left alone, and why."""

    @property
    def notes(self) -> tuple[str, ...]:
        """Oddities of the file that were tolerated, and repairs a write would make."""

    def edit(self, changes: Mapping[str, str]) -> Iterable[Splice]:
        """Return splices that set slots (by name) to a text, or remove them for ""."""
