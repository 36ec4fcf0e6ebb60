"""Carry out a plan: copy, verify, replace. The old file stays whole until the new one is proven."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import structlog

from earmark_files.metadata import temporaries
from earmark_files.metadata.disk import Disk
from earmark_files.metadata.document import Document
from earmark_files.metadata.errors import (
    ConflictError,
    LockedError,
    MetadataError,
    NoSpaceError,
    ReadOnlyError,
    VerificationError,
    WriteFailedError,
    from_os_error,
)
from earmark_files.metadata.in_place import (
    Journal,
    finish,
    plan_in_place,
    recover,
    roll_back,
    write_in_place,
)
from earmark_files.metadata.plan import Snapshot, WritePlan, WriteResult
from earmark_files.metadata.planning import reopen, snapshot_of, writable
from earmark_files.metadata.policy import Policy
from earmark_files.metadata.source import FileSource, Splice

log = structlog.get_logger(__name__)

_SPARE_BYTES = 1 << 20


@dataclass(frozen=True)
class Job:
    """One rewrite of one file: from which state, by which splices, to which state.

    Attributes
    ----------
    path : Path
        The file.
    container : str
        What it is.
    before, after : Snapshot
        The state it must be in, and the state it shall be in.
    splices : sequence of Splice
        The way from one to the other.
    policy : Policy
        Rules for parsing, and from which size on to work in place.
    mtime_ns : int or None
        Modification time to give the new file; None lets the clock decide.
    expected : dict or None
        Slot texts the new file must hold.
    """

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
    job = Job(
        plan.target,
        plan.container,
        plan.snapshot,
        plan.undo.after,
        plan.splices,
        plan.policy,
        mtime_ns,
        dict(plan.expected),
    )
    method = rewrite(job, disk or Disk())
    return WriteResult(plan.target, "written", method, plan.undo, plan.changes)


def rewrite(job: Job, disk: Disk) -> str:
    """Turn `job.before` into `job.after`; returns the method used."""
    try:
        if not job.before.exists:
            _create(job, disk)
            return "copy"
        recover(job.path, disk)
        with _locked(job, disk) as descriptor:
            document = _check_unchanged(job, descriptor)
            temporaries.remove_stale(job.path, disk)
            _check_allowed(job, descriptor)
            journal = _journal(job, descriptor, document)
            if journal is not None:
                _change_in_place(job, descriptor, journal, disk)
                return "in_place"
            _check_room(job, disk)
            _copy_and_replace(job, descriptor, disk)
            return "copy"
    except OSError as error:
        raise from_os_error(error, job.path) from error
    except MetadataError as error:
        error.path = error.path or job.path
        raise


@contextmanager
def _locked(job: Job, disk: Disk) -> Iterator[int]:
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


def _conflict(job: Job) -> ConflictError:
    return ConflictError(
        "The file changed after the plan was made. Nothing was written; plan again.",
        path=job.path,
    )


def _check_unchanged(job: Job, descriptor: int) -> Document:
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
    return document


def _check_allowed(job: Job, descriptor: int) -> None:
    if not writable(job.path, os.fstat(descriptor)):
        raise ReadOnlyError(
            "The file, or its folder, must not be written to. It is unchanged.", path=job.path
        )


def _check_room(job: Job, disk: Disk) -> None:
    needed = job.after.size + _SPARE_BYTES
    if disk.free_bytes(job.path.parent) < needed:
        raise NoSpaceError(
            f"The volume has no room for a copy of this file ({needed} bytes). Free some space "
            "and try again; the file is unchanged.",
            path=job.path,
        )


def _journal(job: Job, descriptor: int, document: Document) -> Journal | None:
    """Return the journal for a write in place if the policy wants one and it is possible."""
    smallest = job.policy.in_place_from
    if smallest is None or job.before.size < smallest or job.container not in ("wav", "aiff"):
        return None
    if os.fstat(descriptor).st_nlink > 1:
        # Another name, perhaps a backup, shares these bytes; a copy leaves it as it is.
        return None
    return plan_in_place(FileSource(descriptor), document.payload, job.splices)


def _change_in_place(job: Job, descriptor: int, journal: Journal, disk: Disk) -> None:
    """Change a file in place; audio that is never written to is not hashed again."""
    write_in_place(job.path, journal, disk, mtime_ns=job.mtime_ns)
    source = FileSource(descriptor)
    document = reopen(job.container, source, job.policy)
    found = snapshot_of(document, source, 0, job.before.payload)
    if not found.same_content(job.after) or job.expected not in (None, dict(document.values)):
        roll_back(job.path, journal, disk)
        raise _not_as_planned(job)
    with _written_but(job):
        finish(job.path, disk)


def _copy_and_replace(job: Job, old: int, disk: Disk) -> None:
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
    with _written_but(job):
        disk.sync_folder(job.path.parent)


def _create(job: Job, disk: Disk) -> None:
    """Write a file that does not exist yet: a sidecar."""
    _check_room(job, disk)
    with _temporary(job, disk, mode=0o666) as (temporary, new):
        for splice in job.splices:
            disk.write(new, splice.data)
        disk.sync(new)
        _verify(job, None, new)
        if job.path.exists():
            raise _conflict(job)
        disk.replace(temporary, job.path)
    with _written_but(job):
        disk.sync_folder(job.path.parent)


@contextmanager
def _written_but(job: Job) -> Iterator[None]:
    """Report errors that come after the new file is complete and in its place."""
    try:
        yield
    except OSError as error:
        raise WriteFailedError(
            "The tags were written, but the folder could not be saved "
            f"({os.strerror(error.errno or 0)}), so they may be lost in a power failure. "
            "Check the volume and write again.",
            code="not_synced",
            path=job.path,
        ) from error


@contextmanager
def _temporary(job: Job, disk: Disk, mode: int = 0o600) -> Iterator[tuple[Path, int]]:
    """Make a temporary file and, whatever happens, leave none behind."""
    temporary = temporaries.new_name(job.path)
    descriptor = disk.create(temporary, mode)
    try:
        yield temporary, descriptor
    except BaseException:
        # Also on KeyboardInterrupt: the old file is whole, only our own copy goes.
        temporaries.discard(temporary, disk)
        raise
    finally:
        os.close(descriptor)


def _verify(job: Job, old: int | None, new: int) -> None:
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
    raise _not_as_planned(job)


def _not_as_planned(job: Job) -> VerificationError:
    log.error("metadata.verification_failed", path=str(job.path), container=job.container)
    return VerificationError(
        "What was written is not what was planned, so the old file was kept. The volume or the "
        "memory of this machine may be faulty.",
        path=job.path,
    )


def _check_still_there(job: Job, old: int) -> None:
    """Refuse when somebody wrote to, or replaced, the old file while it was copied."""
    opened, named = os.fstat(old), job.path.stat()
    same_file = (opened.st_dev, opened.st_ino) == (named.st_dev, named.st_ino)
    state = (named.st_size, named.st_mtime_ns)
    if not same_file or state != (job.before.size, job.before.mtime_ns):
        raise _conflict(job)
