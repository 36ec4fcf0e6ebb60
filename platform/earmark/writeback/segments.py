"""What is heard when in a file: segments from the stored timeline."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

from earmark.classifiers.models import ClassifierVersion
from earmark.jobs.selectors import get_timeline
from earmark.library.models import AudioFile
from earmark.library.selectors import find_library, list_files
from earmark.tagging.knowledge.segments import (
    Segment,
    SegmentRule,
    find_segments,
    most_specific_segments,
)
from earmark.writeback.errors import (
    FileChangedError,
    NoTimelineError,
    UnknownFileError,
    UnusableSoundError,
)


@dataclass(frozen=True)
class HeardFile:
    """What a classifier hears in a file, and when.

    Attributes
    ----------
    file : AudioFile
    classifier : str
        Its identity.
    segments : tuple of Segment
        In order of start.
    """

    file: AudioFile
    classifier: str
    segments: tuple[Segment, ...]


def find_files(path: Path) -> list[AudioFile]:
    """Return the known files at a path: itself, or everything readable below a folder.

    Raises
    ------
    UnknownFileError
        If Earmark knows of none.
    UnusableSoundError
        If it knows the file, and that there is nothing to be heard in it.
    """
    place = find_library(path.resolve())
    known = list_files(library=place.library, under=place.under) if place else None
    files = list(known.present()) if known is not None else []
    if not files:
        unusable = known.failed().first() if known is not None and path.is_file() else None
        if unusable is not None:
            raise UnusableSoundError(unusable.error_message)
        raise UnknownFileError("Earmark knows no sound here.", context={"path": str(path)})
    return files


def get_segments(
    *, file: AudioFile, name: str, rule: SegmentRule, all_labels: bool = False
) -> HeardFile:
    """Return the segments of a file, from the newest version of a classifier that heard it.

    Parameters
    ----------
    file : AudioFile
    name : str
        Of the classifier; with ``@version`` that version only.
    rule : SegmentRule
    all_labels : bool
        Also labels above others, groups and blacklisted ones.

    Raises
    ------
    FileChangedError
        If the file is not the one that was heard.
    NoTimelineError
        If no timeline of it is kept.
    """
    require_unchanged(file)
    name, _, version = name.partition("@")
    versions = ClassifierVersion.objects.filter(name=name).order_by("-pk")
    for classifier in versions.filter(version=version) if version else versions:
        timeline = get_timeline(classifier=classifier, audio_hash=file.audio_hash)
        if timeline is not None:
            labels = [classifier.label_list[position] for position in timeline.positions]
            found = find_segments(timeline.starts, timeline.ends, timeline.scores, labels, rule)
            told = found if all_labels else most_specific_segments(found)
            return HeardFile(file, classifier.identity, tuple(told))
    raise NoTimelineError(f"There is no timeline of this file by {name!r}.")


def require_unchanged(file: AudioFile) -> None:
    """Tell whether the file is still the one Earmark knows.

    Raises
    ------
    FileChangedError
        If it is gone, or has another size or time, or nobody has listened to it yet.
    """
    try:
        status = file.location.stat()
    except OSError as error:
        raise FileChangedError(
            f"The file cannot be found ({os.strerror(error.errno or 0)})."
        ) from error
    same = (status.st_size, status.st_mtime_ns) == (file.size, file.mtime_ns)
    if not (same and file.audio_hash):
        raise FileChangedError("The file has changed since Earmark listened to it.")
