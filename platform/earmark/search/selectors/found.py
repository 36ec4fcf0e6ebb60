"""Found files as people see them: what is stored about them now, not what the index knew."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from pathlib import PurePosixPath

from earmark.library.models import AudioFile
from earmark.tagging.models import TagSet
from earmark.tagging.selectors import get_tags


@dataclass(frozen=True)
class FoundFile:
    """A file, with what it was found by.

    Attributes
    ----------
    file : AudioFile
        With its library.
    tags : list of (str, float or None)
        Accepted ones with their confidence, surest first.
    catid : str
    score : float or None
        How well it answers the words; only comparable within one search.
    """

    file: AudioFile
    tags: list[tuple[str, float | None]] = field(default_factory=list)
    catid: str = ""
    score: float | None = None

    @property
    def name(self) -> str:
        """The file's name without its folders."""
        return PurePosixPath(self.file.path).name


def load_files(
    file_ids: Sequence[int],
    *,
    scores: dict[int, float] | None = None,
    with_tags: bool = True,
) -> list[FoundFile]:
    """Return files in the order of their ids; those that are gone by now are left out.

    Three queries however many files: files, tags, categories.
    """
    files = AudioFile.objects.select_related("library").in_bulk(file_ids)
    tags = _tags(files) if with_tags else {}
    sets = TagSet.objects.filter(file__in=files) if with_tags else TagSet.objects.none()
    catids = dict(sets.values_list("file", "catid"))
    return [
        FoundFile(
            files[pk], tags.get(pk, []), catids.get(pk, ""), scores.get(pk) if scores else None
        )
        for pk in file_ids
        if pk in files
    ]


def _tags(file_ids: Collection[int]) -> dict[int, list[tuple[str, float | None]]]:
    return {
        pk: [(tag.name, tag.confidence) for tag in tags if tag.decision == "accept"]
        for pk, tags in get_tags(file_ids=file_ids).items()
    }
