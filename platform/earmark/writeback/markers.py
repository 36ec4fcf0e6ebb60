"""Markers in files for what is heard when."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Sequence
from pathlib import Path

from django.conf import settings

from earmark.library.models import AudioFile
from earmark.library.services import record_stat
from earmark.tagging.knowledge.segments import Segment
from earmark.writeback.segments import HeardFile, require_unchanged
from earmark_files.metadata import MetadataError, WriteResult, apply
from earmark_files.metadata.markers import Marker, plan_markers
from earmark_files.metadata.undo_store import UndoStore
from earmark_files.renaming import rename_new


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
