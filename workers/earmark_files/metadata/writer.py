"""Carry out a plan: copy, verify, replace. The old file stays whole until the new one is proven."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager

from earmark_files.metadata.copying import copy_and_replace, create, sync_names, written_but
from earmark_files.metadata.disk import Disk
from earmark_files.metadata.errors import (
    LockedError,
    MetadataError,
    NoSpaceError,
    ReadOnlyError,
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
from earmark_files.metadata.job import Job
from earmark_files.metadata.plan import WritePlan, WriteResult
from earmark_files.metadata.planning import writable
from earmark_files.metadata.source import FileSource

_SPARE_BYTES = 1 << 20


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
        path=plan.target,
        container=plan.container,
        before=plan.snapshot,
        after=plan.undo.after,
        splices=plan.splices,
        audio_before=plan.audio_before,
        audio_after=plan.audio_after,
        promised=plan.expected,
        in_place_from=plan.policy.in_place_from,
        mtime_ns=mtime_ns,
    )
    method = rewrite(job, disk or Disk())
    return WriteResult(plan.target, "written", method, plan.undo, plan.changes)


def rewrite(job: Job, disk: Disk) -> str:
    """Turn `job.before` into `job.after`; returns the method used."""
    try:
        if not job.before.exists:
            _check_room(job, disk)
            create(job, disk)
            return "copy"
        recover(job.path, disk)
        with _locked(job, disk) as descriptor:
            _check_unchanged(job, descriptor)
            _check_allowed(job, descriptor)
            journal = _journal(job, descriptor)
            if journal is not None:
                _change_in_place(job, descriptor, journal, disk)
                return "in_place"
            _check_room(job, disk)
            copy_and_replace(job, descriptor, disk)
        # After the old file is closed, so that one commit of the file system frees its blocks too.
        sync_names(job, disk)
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


def _check_unchanged(job: Job, descriptor: int) -> None:
    """Refuse when the file is not the planned one, by everything short of hashing its audio."""
    opened, named = os.fstat(descriptor), job.path.stat()
    if (opened.st_dev, opened.st_ino) != (named.st_dev, named.st_ino):
        raise job.conflict()
    if (opened.st_size, opened.st_mtime_ns) != (job.before.size, job.before.mtime_ns):
        raise job.conflict()
    if job.audio_before.rest_digest(FileSource(descriptor)) != job.before.rest:
        raise job.conflict()


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


def _journal(job: Job, descriptor: int) -> Journal | None:
    """Return the journal for a write in place if the policy wants one and it is possible."""
    smallest = job.in_place_from
    if smallest is None or job.before.size < smallest or job.container not in ("wav", "aiff"):
        return None
    if os.fstat(descriptor).st_nlink > 1:
        # Another name, perhaps a backup, shares these bytes; a copy leaves it as it is.
        return None
    return plan_in_place(FileSource(descriptor), job.audio_before, job.splices)


def _change_in_place(job: Job, descriptor: int, journal: Journal, disk: Disk) -> None:
    """Change a file in place; audio that is never written to is not hashed again."""
    write_in_place(job.path, journal, disk, mtime_ns=job.mtime_ns)
    source = FileSource(descriptor)
    if not (job.is_planned(source, job.before.payload) and job.says_what_was_promised(source)):
        roll_back(job.path, journal, disk)
        raise job.not_as_planned()
    with written_but(job):
        finish(job.path, disk)
