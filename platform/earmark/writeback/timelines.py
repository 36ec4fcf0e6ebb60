"""What is heard when in a file: segments from the stored timeline, and markers in the file."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from django.conf import settings

from earmark.classifiers.models import ClassifierVersion
from earmark.jobs.selectors import get_timeline
from earmark.library.models import AudioFile
from earmark.library.selectors import find_library, list_files
from earmark.library.services import record_stat
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
from earmark_files.metadata import MetadataError, WriteResult, apply
from earmark_files.metadata.markers import Marker, plan_markers
from earmark_files.metadata.undo_store import UndoStore
from earmark_files.renaming import rename_new


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


def write_markers(heard: HeardFile) -> WriteResult:
    """Give a WAV file markers for its segments, instead of Earmark's earlier ones; undoable.

    Raises
    ------
    MetadataError
        If the file cannot hold markers or cannot be written; it is left as it is.
    """
    return _write(heard.file, _markers(heard.classifier, heard.segments))


def remove_markers(file: AudioFile) -> WriteResult:
    """Take Earmark's markers out of a WAV file, whoever heard what they say; undoable.

    Raises
    ------
    FileChangedError
        If the file is not the one that Earmark knows: nobody would notice that any more.
    MetadataError
        See `write_markers`.
    """
    require_unchanged(file)
    return _write(file, [])


def _write(file: AudioFile, markers: Sequence[Marker]) -> WriteResult:
    location = file.location
    plan = plan_markers(location, markers)
    if not plan.is_noop:
        # On the disk before the file is touched, so that even a killed write can be undone.
        UndoStore(Path(settings.DATA_DIR) / "undo").push(location, plan.undo)
    result = apply(plan)
    status = location.stat()
    record_stat(file_id=file.pk, size=status.st_size, mtime_ns=status.st_mtime_ns)
    return result


def copy_with_markers(heard: HeardFile, folder: Path) -> Path:
    """Put a copy with markers into a folder; the file itself stays as it is.

    Raises
    ------
    MetadataError
        If it is no WAV file, or the folder holds a file of that name, or cannot be written.
    """
    location = heard.file.location
    copy = folder / location.name
    with tempfile.TemporaryDirectory(dir=folder, prefix=".earmark-") as place:
        temporary = Path(place) / location.name
        shutil.copy2(location, temporary)
        apply(plan_markers(temporary, _markers(heard.classifier, heard.segments)))
        try:
            rename_new(temporary, copy)
        except FileExistsError as error:
            raise taken(copy) from error
    return copy


def taken(path: Path) -> MetadataError:
    """Return the error for an export whose name is taken."""
    return MetadataError(
        f"{path.name} is there already. Choose another folder, or move it away.",
        code="already_there",
        path=path,
    )


def _markers(classifier: str, segments: Sequence[Segment]) -> list[Marker]:
    return [Marker(s.start, s.end, s.name, f"{classifier} {s.score:.2f}") for s in segments]
