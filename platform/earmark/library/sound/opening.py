"""Open a file of a library for reading, inside that library or not at all.

Names in the database are as they were when the library was scanned. By now a folder on the way may
have been replaced by a symbolic link that leads elsewhere, so each step is taken from an open
folder, and none of them follows a link.
"""

from __future__ import annotations

import os
import stat
from dataclasses import dataclass

from earmark.library.models import AudioFile
from earmark.library.sound.errors import SoundMissingError
from earmark_files.paths import text_to_path

_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC
_FILE = os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC | os.O_NOCTTY


@dataclass
class OpenSound:
    """An open file; whoever has it closes it.

    Attributes
    ----------
    fd : int
        The descriptor; -1 when it is closed.
    size, mtime_ns : int
        As the file system says.
    """

    fd: int
    size: int
    mtime_ns: int

    @property
    def path(self) -> str:
        """A path by which children of this process open this very file, whatever its name."""
        return f"/proc/{os.getpid()}/fd/{self.fd}"

    def close(self) -> None:
        """Close it; harmless when it is closed."""
        fd, self.fd = self.fd, -1
        if fd >= 0:
            os.close(fd)

    def __enter__(self) -> OpenSound:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def open_sound(file: AudioFile) -> OpenSound:
    """Open a file of a library; its `library` should have been selected with it.

    Raises
    ------
    SoundMissingError
        If it is not there, is no regular file, may not be read, or a symbolic link is on the way.
    """
    *folders, name = text_to_path(file.path).split(b"/")
    if any(part in (b"", b".", b"..") for part in (*folders, name)):
        raise SoundMissingError("This is no name inside a library.")
    try:
        fd = _open_below(text_to_path(file.library.root), folders, name)
    except OSError as error:
        reason = os.strerror(error.errno) if error.errno else str(error)
        raise SoundMissingError(f"The file cannot be opened ({reason}).") from error
    status = os.fstat(fd)
    if not stat.S_ISREG(status.st_mode):
        os.close(fd)
        raise SoundMissingError("This is no regular file.")
    return OpenSound(fd, status.st_size, status.st_mtime_ns)


def _open_below(root: bytes, folders: list[bytes], name: bytes) -> int:
    folder = os.open(root, _FOLDER)
    try:
        for part in folders:
            below = os.open(part, _FOLDER | os.O_NOFOLLOW, dir_fd=folder)
            os.close(folder)
            folder = below
        # A device is looked at before it is opened: opening a tape does things to it.
        if not stat.S_ISREG(os.stat(name, dir_fd=folder, follow_symlinks=False).st_mode):
            raise SoundMissingError("This is no regular file.")
        return os.open(name, _FILE | os.O_NOFOLLOW, dir_fd=folder)
    finally:
        os.close(folder)
