"""Take tag writes back. Apart from the other services because it touches sound files."""

from __future__ import annotations

from pathlib import Path

import structlog
from django.db import transaction
from django.utils import timezone

from earmark.library.selectors import find_library, list_files
from earmark.library.services import record_stat
from earmark.writeback.errors import NothingToUndoError
from earmark.writeback.models import TagWrite
from earmark_files.metadata import UndoRecord, undo
from earmark_files.metadata.sidecar import sidecar_path

log = structlog.get_logger(__name__)


def undo_write(*, write_id: int) -> TagWrite:
    """Bring a file back to what it was before a write, byte for byte.

    Later writes to the file must be undone first; the file itself tells, by its hashes.

    Raises
    ------
    NothingToUndoError
        If the write did not change the file, or was undone already.
    MetadataError
        If the file has changed since (``conflict``) or cannot be written; it is left as it is.
    """
    write = TagWrite.objects.select_related("file__library").get(pk=write_id)
    if write.state != TagWrite.State.WRITTEN or write.undo is None:
        raise NothingToUndoError(
            f"Write {write.pk} cannot be undone: it is {write.get_state_display()}."
        )
    record = UndoRecord.from_json(write.undo)
    target = _target_now(write)
    undo(record, path=target)
    status = write.file.location.stat()
    with transaction.atomic():
        write.state = TagWrite.State.UNDONE
        write.undone_at = timezone.now()
        write.file_size, write.file_mtime_ns = status.st_size, status.st_mtime_ns
        write.save(update_fields=["state", "undone_at", "file_size", "file_mtime_ns"])
        record_stat(file_id=write.file_id, size=status.st_size, mtime_ns=status.st_mtime_ns)
    log.info("write_undone", write=write.pk, file=write.file_id)
    return write


def undo_newest_write(*, path: Path) -> TagWrite | None:
    """Undo the newest write to the file at `path`; None when the library knows of none.

    Raises
    ------
    MetadataError
        As `undo_write`.
    """
    resolved = path.resolve()
    place = find_library(resolved)
    if place is None:
        return None
    files = list_files(library=place.library, under=place.under)
    write = (
        TagWrite.objects.filter(file__in=files, state=TagWrite.State.WRITTEN, undo__isnull=False)
        .order_by("-id")
        .first()
    )
    return undo_write(write_id=write.pk) if write else None


def _target_now(write: TagWrite) -> Path:
    """Follow a file that was moved or renamed since; a sidecar keeps its place beside the sound."""
    location = write.file.location
    return sidecar_path(location) if write.target else location
