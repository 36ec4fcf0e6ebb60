"""Names of temporary files, and clearing away those of writers that died.

A writer holds a lock on its temporary file for as long as it lives; a temporary file that can be
locked belongs to nobody.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import re
import time
from collections.abc import Iterator
from pathlib import Path

from earmark_files.metadata.disk import Disk
from earmark_files.metadata.errors import LockedError

_NAME = re.compile(r"\.earmark-[0-9a-f]{16}\.(journal\.)?tmp")
GRACE_SECONDS = 60.0


def _stem(target: Path) -> str:
    """Return a short hidden name, however long that of `target` is; always the same for it."""
    digest = hashlib.blake2b(os.fsencode(target.name), digest_size=8).hexdigest()
    return f".earmark-{digest}"


def copy_name(target: Path) -> Path:
    """Return the name of the copy that shall replace `target`."""
    return target.with_name(f"{_stem(target)}.tmp")


def journal_name(target: Path) -> Path:
    """Return the name of the journal of a write in place."""
    return target.with_name(f"{_stem(target)}.journal")


def journal_copy_name(target: Path) -> Path:
    """Return the name under which that journal is written."""
    return target.with_name(f"{_stem(target)}.journal.tmp")


def create(path: Path, disk: Disk, mode: int = 0o600) -> int:
    """Make a temporary file, in place of one whose writer is dead.

    Raises
    ------
    LockedError
        When its writer is alive.
    """
    try:
        return disk.create(path, mode)
    except FileExistsError:
        if not _is_dead(disk, path):
            raise LockedError(
                "Another Earmark process is writing this file. Try again in a moment."
            ) from None
        disk.remove(path)
    return disk.create(path, mode)


@contextlib.contextmanager
def writing(path: Path, disk: Disk, mode: int = 0o600) -> Iterator[int]:
    """Make a temporary file, hand out its descriptor and, if anything fails, leave none behind.

    Raises
    ------
    LockedError
        As `create`.
    """
    descriptor = create(path, disk, mode)
    try:
        yield descriptor
    except BaseException:
        # Also on KeyboardInterrupt. The error on its way must not be hidden by another.
        with contextlib.suppress(OSError):
            disk.remove(path)
        raise
    finally:
        os.close(descriptor)


def _is_dead(disk: Disk, path: Path) -> bool:
    try:
        descriptor = os.open(path, os.O_RDWR | os.O_CLOEXEC | os.O_NOFOLLOW)
    except OSError:
        return False
    try:
        return disk.lock(descriptor)
    finally:
        os.close(descriptor)


def is_temporary(name: str) -> bool:
    """Say whether a name is one of Earmark's for temporary files."""
    return _NAME.fullmatch(name) is not None


def remove_if_stale(path: Path, *, grace: float = GRACE_SECONDS, disk: Disk | None = None) -> bool:
    """Delete a temporary file if its writer is certainly dead; say whether it was.

    It never holds anything that is not elsewhere: the file it was to replace is still there. Where
    the file system knows no locks it stays, because a living writer could not be told.

    Parameters
    ----------
    path : Path
        A file whose name `is_temporary`.
    grace : float
        A file changed within this many seconds is left, because a writer that has just made it
        may not have locked it yet.
    disk : Disk, optional
        The system calls to use; for tests.

    Raises
    ------
    OSError
        When it cannot be deleted.
    """
    disk = disk or Disk()
    try:
        descriptor = os.open(path, os.O_RDWR | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK)
    except OSError:
        return False
    try:
        if not disk.lock(descriptor, without_locks=False):
            return False
        mine = os.fstat(descriptor)
        # Not the modification time: a writer gives its copy that of the file it replaces.
        if time.time() - mine.st_ctime < grace:
            return False
        # While the lock is held no writer can put its own file here; one may have before.
        with contextlib.suppress(FileNotFoundError):
            if os.path.samestat(mine, path.lstat()):
                disk.remove(path)
                return True
        return False
    finally:
        os.close(descriptor)


def remove_stale_in(
    folder: Path, *, grace: float = GRACE_SECONDS, disk: Disk | None = None
) -> list[Path]:
    """Delete temporary files of dead writers in a folder, not below it; see `remove_if_stale`."""
    return [
        path
        for path in sorted(folder.iterdir())
        if is_temporary(path.name) and remove_if_stale(path, grace=grace, disk=disk)
    ]
