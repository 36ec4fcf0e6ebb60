"""What an export says about a file, whatever the format. Plain values."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class ExportedTag:
    """A tag of a file.

    Attributes
    ----------
    name : str
    confidence : float or None
        In [0, 1]; None where nothing was measured, as with synonyms.
    decision, origin : str
        See `earmark.tagging.models.Tag`.
    label : str
        The classifier's label behind it; empty where there is none.
    names_the_sound : bool
        Whether it says what is heard, and is no further word for that.
    """

    name: str
    confidence: float | None
    decision: str
    origin: str
    label: str
    names_the_sound: bool


@dataclass(frozen=True, slots=True)
class ExportedFile:
    """A file and what is known of it.

    Words that people or vendors had written come before Earmark's own, as in the files.

    Attributes
    ----------
    id : int
    library, root : str
        Name and folder of its library; the folder is path text (`earmark_files.paths`).
    path : str
        Below the folder, as path text.
    audio_hash, container, codec : str
        Empty until somebody has listened to it.
    duration : float or None
        In seconds.
    sample_rate, channels : int or None
    catid, category, subcategory : str
        Universal Category System; empty where nothing is sure enough to be written.
    description : str
    keywords : tuple of str
    tags : tuple of ExportedTag
        All of them, surest first, also those that wait for review.
    """

    id: int
    library: str
    root: str
    path: str
    audio_hash: str
    container: str
    codec: str
    duration: float | None
    sample_rate: int | None
    channels: int | None
    catid: str
    category: str
    subcategory: str
    description: str
    keywords: tuple[str, ...]
    tags: tuple[ExportedTag, ...]

    @property
    def name(self) -> str:
        """The file's name without folders."""
        return self.path.rpartition("/")[2]

    @property
    def location(self) -> str:
        """The whole path on the machine that holds the library, as path text."""
        return f"{self.root}/{self.path}"

    def tags_to(self, decision: str) -> tuple[str, ...]:
        """Return the names of the tags with a decision."""
        return tuple(tag.name for tag in self.tags if tag.decision == decision)
