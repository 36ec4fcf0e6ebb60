"""Every system call that can change something, in one place.

Tests subclass `Disk` to fail or kill the process at any of these calls; the writer makes no other.
"""

from __future__ import annotations

import errno
import fcntl
import os
from pathlib import Path

_BLOCK = 4 << 20
# Errors of copy_file_range that mean "not between these two files", not "the disk is broken".
_CANNOT_COPY = {errno.EXDEV, errno.EOPNOTSUPP, errno.ENOSYS, errno.EINVAL, errno.EPERM, errno.EBADF}
_NO_LOCKS = {errno.ENOLCK, errno.EOPNOTSUPP, errno.ENOSYS, errno.EINVAL, errno.EBADF}
_KEEP_TRYING = ("user.", "system.posix_acl")


class Disk:
    """The real file system."""

    def create(self, path: Path, mode: int = 0o600) -> int:
        """Create a new file and lock it, so that its owner is known to be alive."""
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, mode)
        try:
            self.lock(descriptor)
        except OSError:
            os.close(descriptor)
            path.unlink(missing_ok=True)
            raise
        return descriptor

    def lock(self, descriptor: int, *, without_locks: bool = True) -> bool:
        """Take the advisory lock of a file; False when another process has it.

        `without_locks` is the answer where the file system knows no locks: nothing can be told.
        """
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        except OSError as error:
            if error.errno not in _NO_LOCKS:
                raise
            return without_locks
        return True

    def write(self, descriptor: int, data: bytes) -> None:
        """Write all of `data` at the current position."""
        view = memoryview(data)
        while view:
            view = view[os.write(descriptor, view) :]

    def copy(self, source: int, offset: int, length: int, target: int) -> None:
        """Append `length` bytes of `source` to `target`, inside the kernel where it can."""
        while length:
            try:
                done = os.copy_file_range(source, target, min(length, 1 << 30), offset)
            except OSError as error:
                if error.errno not in _CANNOT_COPY:
                    raise
                self._copy_through_memory(source, offset, length, target)
                return
            if done == 0:
                # Some network file systems return 0 at once; the end of the file does too.
                self._copy_through_memory(source, offset, length, target)
                return
            offset += done
            length -= done

    def _copy_through_memory(self, source: int, offset: int, length: int, target: int) -> None:
        while length:
            block = os.pread(source, min(_BLOCK, length), offset)
            if not block:
                raise OSError(errno.ESTALE, "the file became shorter while it was copied")
            self.write(target, block)
            offset += len(block)
            length -= len(block)

    def keep_attributes(self, source: int, target: int, *, mtime_ns: int | None) -> None:
        """Give `target` owner, mode, extended attributes and perhaps the times of `source`."""
        old = os.fstat(source)
        new = os.fstat(target)
        if (old.st_uid, old.st_gid) != (new.st_uid, new.st_gid):
            os.fchown(target, old.st_uid, old.st_gid)
        for name in self._attributes(source):
            try:
                os.setxattr(target, name, os.getxattr(source, name))
            except OSError:
                # Labels the system hands out itself (security.*) cannot be set by everybody.
                if name.startswith(_KEEP_TRYING):
                    raise
        os.fchmod(target, old.st_mode & 0o7777)
        if mtime_ns is not None:
            os.utime(target, ns=(old.st_atime_ns, mtime_ns))

    def _attributes(self, descriptor: int) -> list[str]:
        try:
            return os.listxattr(descriptor)
        except OSError as error:
            if error.errno in {errno.EOPNOTSUPP, errno.ENOSYS}:
                return []
            raise

    def open_for_change(self, path: Path) -> int:
        """Open an existing file for reading and writing."""
        return os.open(path, os.O_RDWR | os.O_CLOEXEC | os.O_NOFOLLOW)

    def reserve(self, descriptor: int, start: int, size: int) -> None:
        """Make the file at least `size` bytes long, with room on the disk from `start` on.

        Not from its beginning: that would fill the holes of a sparse file.
        """
        if os.fstat(descriptor).st_size < size:
            os.posix_fallocate(descriptor, start, size - start)

    def write_at(self, descriptor: int, data: bytes, offset: int) -> None:
        """Write all of `data` at `offset`."""
        view = memoryview(data)
        while view:
            done = os.pwrite(descriptor, view, offset)
            view, offset = view[done:], offset + done

    def truncate(self, descriptor: int, size: int) -> None:
        """Make the file exactly `size` bytes long."""
        os.ftruncate(descriptor, size)

    def set_mtime(self, descriptor: int, mtime_ns: int) -> None:
        """Set the modification time."""
        os.utime(descriptor, ns=(os.fstat(descriptor).st_atime_ns, mtime_ns))

    def sync(self, descriptor: int) -> None:
        """Wait until the content of a file is on the disk."""
        os.fsync(descriptor)

    def replace(self, source: Path, target: Path) -> None:
        """Put `source` in the place of `target`, atomically."""
        source.replace(target)

    def sync_folder(self, folder: Path) -> None:
        """Wait until the names in a folder are on the disk."""
        descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            os.fsync(descriptor)
        except OSError as error:
            # Some network file systems cannot sync a folder; they write names through anyway.
            if error.errno not in {errno.EINVAL, errno.EOPNOTSUPP, errno.ENOSYS}:
                raise
        finally:
            os.close(descriptor)

    def remove(self, path: Path) -> None:
        """Delete a file."""
        path.unlink()

    def free_bytes(self, folder: Path) -> int:
        """Return how many bytes can still be written to the volume of `folder`."""
        status = os.statvfs(folder)
        return status.f_bavail * status.f_frsize
