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
        if not _is_dead(disk, path, grace=0.0):
            raise LockedError(
                "Another Earmark process is writing this file. Try again in a moment."
            ) from None
        disk.remove(path)
    return disk.create(path, mode)


def discard(path: Path, disk: Disk) -> None:
    """Delete a temporary file while an error is on its way, which must not be hidden."""
    with contextlib.suppress(OSError):
        disk.remove(path)


def _is_dead(disk: Disk, path: Path, *, grace: float) -> bool:
    try:
        descriptor = os.open(path, os.O_RDWR | os.O_CLOEXEC | os.O_NOFOLLOW)
    except OSError:
        return False
    try:
        age = time.time() - os.fstat(descriptor).st_mtime
        return disk.lock(descriptor) and age >= grace
    finally:
        os.close(descriptor)


def remove_stale_in(
    folder: Path, *, grace: float = GRACE_SECONDS, disk: Disk | None = None
) -> list[Path]:
    """Delete temporary files of dead writers in a folder; meant for a scan of the library.

    Parameters
    ----------
    folder : Path
        Only this folder itself is looked through.
    grace : float
        Files younger than this many seconds are left, because a writer that has just made its
        file may not have locked it yet.
    disk : Disk, optional
        The system calls to use; for tests.

    Returns
    -------
    list of Path
        What was deleted.
    """
    disk = disk or Disk()
    removed: list[Path] = []
    for path in sorted(folder.iterdir()):
        if _NAME.fullmatch(path.name) and _is_dead(disk, path, grace=grace):
            with contextlib.suppress(FileNotFoundError):
                disk.remove(path)
                removed.append(path)
    return removed
