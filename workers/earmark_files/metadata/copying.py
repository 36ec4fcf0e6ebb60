"""The safe way to write: a copy beside the old file, proven, synced, then put in its place."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager

from earmark_files.metadata import temporaries
from earmark_files.metadata.disk import Disk
from earmark_files.metadata.errors import WriteFailedError
from earmark_files.metadata.follower import Follower
from earmark_files.metadata.job import Job
from earmark_files.metadata.source import FileSource

_PIECE = 64 << 20
# From this size on somebody waits for the disk, and the audio is hashed meanwhile.
_FOLLOW_FROM = 1 << 28


def copy_and_replace(job: Job, old: int, disk: Disk) -> None:
    """Write the new file beside the old one, prove it, and put it in its place.

    The folder is not synced yet: see `sync_names`.

    Parameters
    ----------
    job : Job
        What to write.
    old : int
        Descriptor of the old file, locked.
    disk : Disk
        The system calls to use.
    """
    temporary = temporaries.copy_name(job.path)
    with temporaries.writing(temporary, disk) as new:
        source, audio = _copy(job, old, new, disk)
        if not job.is_planned(source, audio):
            original = job.audio_before.digest(FileSource(old))
            raise job.conflict() if original != job.before.payload else job.not_as_planned()
        if not job.says_what_was_promised(source):
            raise job.not_as_planned()
        _check_still_there(job, old)
        disk.replace(temporary, job.path)


def sync_names(job: Job, disk: Disk) -> None:
    """Wait until the new file's name is on the disk."""
    with written_but(job):
        disk.sync_folder(job.path.parent)


def _copy(job: Job, old: int, new: int, disk: Disk) -> tuple[FileSource, str]:
    """Write the new file and sync it; returns it, and the hash of the audio that lies there.

    Hashed is what is read back after the sync. A huge file is written and synced in pieces, and
    each piece is read back behind its own sync while the next one is written.
    """
    if job.after.size < _FOLLOW_FROM:
        for _ in _pieces(job, old, new, disk):
            pass
        disk.keep_attributes(old, new, mtime_ns=job.mtime_ns)
        disk.sync(new)
        source = FileSource(new)
        return source, job.audio_after.digest(source)
    with Follower(new, job.audio_after) as follower:
        synced = 0
        for written in _pieces(job, old, new, disk):
            if written - synced >= _PIECE:
                disk.sync(new)
                synced = written
                follower.go_on(synced)
        disk.keep_attributes(old, new, mtime_ns=job.mtime_ns)
        disk.sync(new)
        follower.go_on(job.after.size)
        return FileSource(new), follower.digest()


def _pieces(job: Job, old: int, new: int, disk: Disk) -> Iterator[int]:
    """Write the new file piece by piece; yields how many bytes are written."""
    position = written = 0
    for splice in [*job.splices, None]:
        end = splice.offset if splice else job.before.size
        while position < end:
            length = min(_PIECE, end - position)
            disk.copy(old, position, length, new)
            position, written = position + length, written + length
            yield written
        if splice:
            disk.write(new, splice.data)
            position, written = splice.end, written + len(splice.data)
            yield written


def create(job: Job, disk: Disk) -> None:
    """Write a file that does not exist yet: a sidecar."""
    temporary = temporaries.copy_name(job.path)
    with temporaries.writing(temporary, disk, mode=0o666) as new:
        for splice in job.splices:
            disk.write(new, splice.data)
        disk.sync(new)
        source = FileSource(new)
        planned = job.is_planned(source, job.audio_after.digest(source))
        if not (planned and job.says_what_was_promised(source)):
            raise job.not_as_planned()
        if job.path.exists():
            raise job.conflict()
        disk.replace(temporary, job.path)
    sync_names(job, disk)


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


def _check_still_there(job: Job, old: int) -> None:
    """Refuse when somebody wrote to, or replaced, the old file while it was copied."""
    opened, named = os.fstat(old), job.path.stat()
    same_file = (opened.st_dev, opened.st_ino) == (named.st_dev, named.st_ino)
    state = (named.st_size, named.st_mtime_ns)
    if not same_file or state != (job.before.size, job.before.mtime_ns):
        raise job.conflict()
