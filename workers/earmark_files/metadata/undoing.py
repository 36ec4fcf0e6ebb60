"""Take a write back, byte for byte, or refuse when somebody else changed the file since."""

from __future__ import annotations

from pathlib import Path

from earmark_files.metadata.containers import reopen
from earmark_files.metadata.disk import Disk
from earmark_files.metadata.document import Payload
from earmark_files.metadata.errors import ConflictError, from_os_error
from earmark_files.metadata.job import Job
from earmark_files.metadata.plan import ABSENT, Snapshot, UndoRecord, WriteResult
from earmark_files.metadata.planning import open_source, recover_interrupted, snapshot_of
from earmark_files.metadata.source import Splice, SplicedSource, invert
from earmark_files.metadata.writer import rewrite


def undo(
    record: UndoRecord,
    *,
    path: Path | None = None,
    in_place_from: int | None = None,
    disk: Disk | None = None,
) -> WriteResult:
    """Take a write back, byte for byte, the modification time included.

    Parameters
    ----------
    record : UndoRecord
        From the plan or the result of the write.
    path : Path, optional
        Where the file lies now, if it was moved or renamed since.
    in_place_from : int, optional
        As in `Policy`: from this size on, work inside the file where that is possible.
    disk : Disk, optional
        The system calls to use; for tests.

    Returns
    -------
    WriteResult
        ``unchanged`` when the file is already as it was before the write; else its own record
        takes the undo back.

    Raises
    ------
    ConflictError
        When somebody changed the file since; it is left as it is.
    """
    disk = disk or Disk()
    target = path or record.path
    recover_interrupted(target)
    current, redo = _state_for_undo(record, target)
    if current.same_content(record.before):
        return WriteResult(target, "unchanged", "none", None)
    if not current.same_content(record.after):
        raise ConflictError(
            "The file was changed after Earmark wrote its tags, so the write cannot be undone "
            "byte for byte. Nothing was changed.",
            path=target,
        )
    if not record.before.exists:
        _remove(target, disk)
        return WriteResult(target, "removed", "none", redo)
    audio_before, audio_after = _audio(record, target)
    job = Job(
        path=target,
        container=record.container,
        before=current,
        after=record.before,
        splices=record.restore,
        audio_before=audio_before,
        audio_after=audio_after,
        # What the file said before was never Earmark's to promise; every byte of it is compared.
        promised=None,
        in_place_from=in_place_from,
        mtime_ns=record.before.mtime_ns,
    )
    return WriteResult(target, "undone", rewrite(job, disk), redo)


def _audio(record: UndoRecord, target: Path) -> tuple[Payload, Payload]:
    """Return where the audio lies now, and where it will lie when the write is undone.

    Only a sidecar, which holds none, may be missing.
    """
    if not target.exists():
        nothing = Payload(record.container, ())
        return nothing, nothing
    with open_source(target) as (source, _):
        now = reopen(record.container, source).payload
        old = SplicedSource(source, record.restore)
        return now, reopen(record.container, old).payload


def _state_for_undo(record: UndoRecord, target: Path) -> tuple[Snapshot, UndoRecord | None]:
    """Return the state of the file, and the record that would take the undo back."""
    if not target.exists() and not (record.before.exists and record.after.exists):
        return ABSENT, UndoRecord(target, record.container, ABSENT, record.before, record.restore)
    with open_source(target) as (source, status):
        document = reopen(record.container, source)
        current = snapshot_of(document, source, status.st_mtime_ns)
        if not current.same_content(record.after):
            return current, None
        if record.before.exists:
            forth = invert(record.restore, source)
        else:
            forth = (Splice(0, 0, source.read(0, source.size)),)
        # Seen from the redo, the present state is what it leads back to.
        return current, UndoRecord(target, record.container, current, record.before, forth)


def _remove(target: Path, disk: Disk) -> None:
    """Delete a sidecar that Earmark made."""
    try:
        disk.remove(target)
        disk.sync_folder(target.parent)
    except OSError as error:
        raise from_os_error(error, target) from error
