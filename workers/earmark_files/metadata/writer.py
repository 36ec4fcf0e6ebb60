"""Carry out a plan: copy, verify, replace. The old file stays whole until the new one is proven."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import structlog

from earmark_files.metadata import temporaries
from earmark_files.metadata.disk import Disk
from earmark_files.metadata.errors import (
    ConflictError,
    LockedError,
    MetadataError,
    NoSpaceError,
    ReadOnlyError,
    VerificationError,
    from_os_error,
)
from earmark_files.metadata.plan import ABSENT, Snapshot, UndoRecord, WritePlan, WriteResult
from earmark_files.metadata.planning import open_source, reopen, snapshot_of, writable
from earmark_files.metadata.policy import Policy
from earmark_files.metadata.source import FileSource, Splice, invert

log = structlog.get_logger(__name__)

_SPARE_BYTES = 1 << 20


@dataclass(frozen=True)
class _Job:
    """One rewrite of one file: from which state, by which splices, to which state."""

    path: Path
    container: str
    before: Snapshot
    after: Snapshot
    splices: Sequence[Splice]
    policy: Policy
    mtime_ns: int | None
    expected: dict[str, str] | None = None


def apply(plan: WritePlan, *, disk: Disk | None = None) -> WriteResult:
    """Write what was planned.

    Parameters
    ----------
    plan : WritePlan
        From `plan_write`.
    disk : Disk, optional
        The system calls to use; for tests.

    Raises
    ------
    ConflictError
        When the file is not the one that was planned for.
    MetadataError
        For every other reason (see the codes in docs/metadata-fields.md). The old file is in
        place, whole, in every case.
    """
    if plan.is_noop:
        return WriteResult(plan.target, "unchanged", "none", None)
    mtime_ns = plan.snapshot.mtime_ns if plan.policy.keep_mtime and plan.snapshot.exists else None
    job = _Job(
        plan.target,
        plan.container,
        plan.snapshot,
        plan.undo.after,
        plan.splices,
        plan.policy,
        mtime_ns,
        dict(plan.expected),
    )
    method = _rewrite(job, disk or Disk())
    return WriteResult(plan.target, "written", method, plan.undo, plan.changes)


def undo(record: UndoRecord, *, path: Path | None = None, disk: Disk | None = None) -> WriteResult:
    """Take a write back, byte for byte, the modification time included.

    Parameters
    ----------
    record : UndoRecord
        From the plan or the result of the write.
    path : Path, optional
        Where the file lies now, if it was moved or renamed since.
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
    job = _Job(
        target,
        record.container,
        current,
        record.before,
        record.restore,
        Policy(),
        record.before.mtime_ns,
    )
    return WriteResult(target, "undone", _rewrite(job, disk), redo)


def _state_for_undo(record: UndoRecord, target: Path) -> tuple[Snapshot, UndoRecord | None]:
    """Return the state of the file, and the record that would take the undo back."""
    if not target.exists() and not (record.before.exists and record.after.exists):
        return ABSENT, UndoRecord(target, record.container, ABSENT, record.before, record.restore)
    with open_source(target) as (source, status):
        document = reopen(record.container, source, Policy())
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


def _rewrite(job: _Job, disk: Disk) -> str:
    """Turn `job.before` into `job.after`; returns the method used."""
    try:
        if not job.before.exists:
            _create(job, disk)
            return "copy"
        with _locked(job, disk) as descriptor:
            _check_unchanged(job, descriptor)
            temporaries.remove_stale(job.path, disk)
            _check_allowed(job, descriptor, disk)
            _copy_and_replace(job, descriptor, disk)
            return "copy"
    except OSError as error:
        raise from_os_error(error, job.path) from error
    except MetadataError as error:
        error.path = error.path or job.path
        raise


@contextmanager
def _locked(job: _Job, disk: Disk) -> Iterator[int]:
    """Open the old file and keep other Earmark writers off it."""
    descriptor = os.open(job.path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
    try:
        if not disk.lock(descriptor):
            raise LockedError(
                "Another Earmark process is writing this file. Try again in a moment.",
                path=job.path,
            )
        yield descriptor
    finally:
        os.close(descriptor)


def _conflict(job: _Job) -> ConflictError:
    return ConflictError(
        "The file changed after the plan was made. Nothing was written; plan again.",
        path=job.path,
    )


def _check_unchanged(job: _Job, descriptor: int) -> None:
    """Refuse when the file is not the planned one, by everything short of hashing its audio."""
    opened, named = os.fstat(descriptor), job.path.stat()
    if (opened.st_dev, opened.st_ino) != (named.st_dev, named.st_ino):
        raise _conflict(job)
    if (opened.st_size, opened.st_mtime_ns) != (job.before.size, job.before.mtime_ns):
        raise _conflict(job)
    source = FileSource(descriptor)
    document = reopen(job.container, source, job.policy)
    if document.payload.rest_digest(source) != job.before.rest:
        raise _conflict(job)


def _check_allowed(job: _Job, descriptor: int, disk: Disk) -> None:
    if not writable(job.path, os.fstat(descriptor)):
        raise ReadOnlyError(
            "The file, or its folder, must not be written to. It is unchanged.", path=job.path
        )
    _check_room(job, disk)


def _check_room(job: _Job, disk: Disk) -> None:
    needed = job.after.size + _SPARE_BYTES
    if disk.free_bytes(job.path.parent) < needed:
        raise NoSpaceError(
            f"The volume has no room for a copy of this file ({needed} bytes). Free some space "
            "and try again; the file is unchanged.",
            path=job.path,
        )


def _copy_and_replace(job: _Job, old: int, disk: Disk) -> None:
    """Write the new file beside the old one, prove it, and put it in its place."""
    with _temporary(job, disk) as (temporary, new):
        position = 0
        for splice in [*job.splices, None]:
            end = splice.offset if splice else job.before.size
            disk.copy(old, position, end - position, new)
            if splice:
                disk.write(new, splice.data)
                position = splice.end
        disk.keep_attributes(old, new, mtime_ns=job.mtime_ns)
        disk.sync(new)
        _verify(job, old, new)
        _check_still_there(job, old)
        disk.replace(temporary, job.path)
    disk.sync_folder(job.path.parent)


def _create(job: _Job, disk: Disk) -> None:
    """Write a file that does not exist yet: a sidecar."""
    _check_room(job, disk)
    with _temporary(job, disk) as (temporary, new):
        for splice in job.splices:
            disk.write(new, splice.data)
        os.fchmod(new, 0o666 & ~_umask())
        disk.sync(new)
        _verify(job, None, new)
        if job.path.exists():
            raise _conflict(job)
        disk.replace(temporary, job.path)
    disk.sync_folder(job.path.parent)


def _umask() -> int:
    current = os.umask(0o077)
    os.umask(current)
    return current


@contextmanager
def _temporary(job: _Job, disk: Disk) -> Iterator[tuple[Path, int]]:
    """Make a temporary file and, whatever happens, leave none behind."""
    temporary = temporaries.new_name(job.path)
    descriptor = disk.create(temporary)
    try:
        yield temporary, descriptor
    except BaseException:
        # Also on KeyboardInterrupt: the old file is whole, only our own copy goes.
        with contextlib.suppress(OSError):
            disk.remove(temporary)
        raise
    finally:
        os.close(descriptor)


def _verify(job: _Job, old: int | None, new: int) -> None:
    """Prove that the new file is, byte for byte, the planned one, and reads back."""
    source = FileSource(new)
    document = reopen(job.container, source, job.policy)
    found = snapshot_of(document, source, 0)
    if found.same_content(job.after) and job.expected in (None, dict(document.values)):
        return
    if old is not None and found.payload != job.before.payload:
        original = FileSource(old)
        digest = reopen(job.container, original, job.policy).payload.digest(original)
        if digest != job.before.payload:
            raise _conflict(job)
    log.error("metadata.verification_failed", path=str(job.path), container=job.container)
    raise VerificationError(
        "The new copy was not what was planned. It was deleted and the old file kept; the volume "
        "or its memory may be faulty.",
        path=job.path,
    )


def _check_still_there(job: _Job, old: int) -> None:
    """Refuse when somebody wrote to, or replaced, the old file while it was copied."""
    opened, named = os.fstat(old), job.path.stat()
    same_file = (opened.st_dev, opened.st_ino) == (named.st_dev, named.st_ino)
    state = (named.st_size, named.st_mtime_ns)
    if not same_file or state != (job.before.size, job.before.mtime_ns):
        raise _conflict(job)
