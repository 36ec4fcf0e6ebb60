"""How far a write may go: what to do with values that are already there, field by field."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path


class Mode(StrEnum):
    """What may happen to one field.

    Attributes
    ----------
    KEEP
        Nothing is written.
    FILL
        Empty places are filled, but only where no other value of the field disagrees.
    MERGE
        Keywords are added to those that are there; other fields as with FILL.
    REPLACE_OWN
        What Earmark wrote earlier is replaced or withdrawn, gaps are filled, keywords are added;
        a person's or vendor's value stays and wins.
    REPLACE
        Every place gets the new value, whoever wrote the old one.
    """

    KEEP = "keep"
    FILL = "fill"
    MERGE = "merge"
    REPLACE_OWN = "replace_own"
    REPLACE = "replace"


class Sidecar(StrEnum):
    """When tags go into a JSON file beside the sound instead of into it."""

    WHEN_NEEDED = "when_needed"
    NEVER = "never"
    ALWAYS = "always"


@dataclass(frozen=True)
class Policy:
    """Rules of one write; the default only fills gaps.

    Attributes
    ----------
    default : Mode
        For every field not named in `fields`.
    fields : mapping of str to Mode
        Exceptions by logical field.
    keep_mtime : bool
        Give the new file the old modification time. Asset managers then do not notice the change.
    create_bext : bool
        Add a bext chunk to a WAV file that has none, for the description (Pro Tools reads it).
    promote_rf64 : bool
        Let a WAV file become RF64 when its tags push it beyond 4 GiB.
    sidecar : Sidecar
        `WHEN_NEEDED` means formats that hold no tags, and files that must not be written.
    sidecar_dir : Path, optional
        Folder for the sidecars of sounds whose own folder cannot be written.
    in_place_from : int, optional
        From this file size in bytes on, tags behind the audio are changed inside the file, with
        a journal, instead of through a copy (see docs/metadata-fields.md). None: always copy.
    """

    default: Mode = Mode.FILL
    fields: Mapping[str, Mode] = field(default_factory=dict)
    keep_mtime: bool = False
    create_bext: bool = True
    promote_rf64: bool = False
    sidecar: Sidecar = Sidecar.WHEN_NEEDED
    sidecar_dir: Path | None = None
    in_place_from: int | None = None

    def mode(self, name: str) -> Mode:
        """Return the mode of the field `name`."""
        return self.fields.get(name, self.default)

    @classmethod
    def merge_keywords(cls) -> Policy:
        """Add keywords to those that are there, fill gaps elsewhere."""
        return cls(fields={"keywords": Mode.MERGE})

    @classmethod
    def replace_own(cls) -> Policy:
        """Bring Earmark's own tags up to date; the policy for tagging again."""
        return cls(default=Mode.REPLACE_OWN)
