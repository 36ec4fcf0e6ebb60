"""The safe way to write: a copy beside the old file, proven, synced, then put in its place."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from earmark_files.metadata import temporaries
from earmark_files.metadata.disk import Disk
from earmark_files.metadata.errors import WriteFailedError
from earmark_files.metadata.follower import Follower
from earmark_files.metadata.job import Job
from earmark_files.metadata.source import FileSource

_BLOCK = 8 << 20
# From this size on somebody waits for the disk, and the audio is hashed meanwhile. Reading a file
# that is being written costs half as much processor time again, so smaller ones do without.
_FOLLOW_FROM = 1 << 30


def copy_and_replace(job: Job, old: int, disk: Disk) -> None:
    """Write the new file beside the old one, prove it, and put it in its place.

    Parameters
    ----------
    job : Job
        What to write.
    old : int
        Descriptor of the old file, locked.
    disk : Disk
        The system calls to use.
    """
    with _temporary(job, disk) as (temporary, new):
        if not _copy_and_prove(job, old, new, disk):
            original = job.audio_before.digest(FileSource(old))
            raise job.conflict() if original != job.before.payload else job.not_as_planned()
        _check_still_there(job, old)
        disk.replace(temporary, job.path)
    with written_but(job):
        disk.sync_folder(job.path.parent)


def _copy_and_prove(job: Job, old: int, new: int, disk: Disk) -> bool:
    """Write the new file, sync it, and read it back: whether it is the planned one.

    The audio of a huge file is hashed while it is still being written. What counts is what lies
    there after the sync, so it is read again then and compared to the old file, which takes a
    third of the time of a second hash.
    """
    if job.after.size < _FOLLOW_FROM:
        for _ in _copy(job, old, new, disk):
            pass
        disk.keep_attributes(old, new, mtime_ns=job.mtime_ns)
        disk.sync(new)
        source = FileSource(new)
        return job.is_planned(source, job.audio_after.digest(source))
    with Follower(new, job.audio_after) as follower:
        for written in _copy(job, old, new, disk):
            follower.go_on(written)
        disk.keep_attributes(old, new, mtime_ns=job.mtime_ns)
        disk.sync(new)
        audio = follower.digest()
    source = FileSource(new)
    return job.is_planned(source, audio) and job.keeps_audio(FileSource(old), source)


def _copy(job: Job, old: int, new: int, disk: Disk) -> Iterator[int]:
    """Write the new file piece by piece; yields how many bytes are written."""
    position = written = 0
    for splice in [*job.splices, None]:
        end = splice.offset if splice else job.before.size
        while position < end:
            length = min(_BLOCK, end - position)
            disk.copy(old, position, length, new)
            position, written = position + length, written + length
            yield written
        if splice:
            disk.write(new, splice.data)
            position, written = splice.end, written + len(splice.data)
            yield written


def create(job: Job, disk: Disk) -> None:
    """Write a file that does not exist yet: a sidecar."""
    with _temporary(job, disk, mode=0o666) as (temporary, new):
        for splice in job.splices:
            disk.write(new, splice.data)
        disk.sync(new)
        source = FileSource(new)
        if not job.is_planned(source, job.audio_after.digest(source)):
            raise job.not_as_planned()
        if job.path.exists():
            raise job.conflict()
        disk.replace(temporary, job.path)
    with written_but(job):
        disk.sync_folder(job.path.parent)


@contextmanager
def written_but(job: Job) -> Iterator[None]:
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
    temporary = temporaries.copy_name(job.path)
    descriptor = temporaries.create(temporary, disk, mode)
    try:
        yield temporary, descriptor
    except BaseException:
        # Also on KeyboardInterrupt: the old file is whole, only our own copy goes.
        temporaries.discard(temporary, disk)
        raise
    finally:
        os.close(descriptor)


def _check_still_there(job: Job, old: int) -> None:
    """Refuse when somebody wrote to, or replaced, the old file while it was copied."""
    opened, named = os.fstat(old), job.path.stat()
    same_file = (opened.st_dev, opened.st_ino) == (named.st_dev, named.st_ino)
    state = (named.st_size, named.st_mtime_ns)
    if not same_file or state != (job.before.size, job.before.mtime_ns):
        raise job.conflict()
