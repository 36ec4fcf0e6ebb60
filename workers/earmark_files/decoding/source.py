"""Opening a file for reading, so that nothing but a regular file is ever read."""

from __future__ import annotations

import os
import stat
from types import TracebackType

from earmark_files.errors import AnyPath, AudioFileError, ReadErrorCode, from_os_error
from earmark_files.walk import not_a_regular_file


class Source:
    """An open regular file with the size it had when it was opened.

    Decoders get the descriptor, never the name: names may be undecodable bytes or look like a
    URL to FFmpeg, and a name may point elsewhere by the time a decoder opens it.

    Raises
    ------
    AudioFileError
        The file is missing, unreadable, empty or no regular file.
    """

    def __init__(self, path: AnyPath) -> None:
        self.path = path
        name = os.fsencode(path)
        try:
            # Opening a tape or terminal does things to it, so look before opening; O_NONBLOCK
            # and the second look cover a FIFO put there in between.
            _require_regular(path, os.stat(name))  # noqa: PTH116 - pathlib knows no bytes
            self.fd = os.open(name, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC | os.O_NOCTTY)
        except (OSError, ValueError) as error:
            raise _open_error(error, path) from error
        try:
            status = os.fstat(self.fd)
            _require_regular(path, status)
            if status.st_size == 0:
                raise AudioFileError(
                    "The file is empty (0 bytes); copy it again from where it came from.",
                    code=ReadErrorCode.EMPTY_FILE,
                    path=path,
                )
        except BaseException:
            self.close()
            raise
        self.size = status.st_size
        self._stamp = (status.st_size, status.st_mtime_ns)

    def read_at(self, offset: int, length: int) -> bytes:
        """Return up to `length` bytes from `offset`; fewer only at the end of the file."""
        if offset < 0 or offset >= self.size:
            return b""
        try:
            return os.pread(self.fd, length, offset)
        except OSError as error:
            raise from_os_error(error, self.path) from error

    def rewind(self) -> None:
        """Put the descriptor's position, which decoders move, back to the start."""
        os.lseek(self.fd, 0, os.SEEK_SET)

    def at_end(self) -> bool:
        """Whether a decoder that used the descriptor has consumed the whole file."""
        return os.lseek(self.fd, 0, os.SEEK_CUR) >= self.size

    def require_unchanged(self) -> None:
        """Raise `changed_during_run` if somebody wrote to the file since it was opened."""
        status = os.fstat(self.fd)
        if (status.st_size, status.st_mtime_ns) != self._stamp:
            raise AudioFileError(
                "The file was changed while it was being read; run again when it is finished.",
                code=ReadErrorCode.CHANGED_DURING_RUN,
                path=self.path,
            )

    def close(self) -> None:
        """Close the descriptor; harmless when it is closed already."""
        if self.fd >= 0:
            os.close(self.fd)
            self.fd = -1

    def __enter__(self) -> Source:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()


def _require_regular(path: AnyPath, status: os.stat_result) -> None:
    if not stat.S_ISREG(status.st_mode):
        raise not_a_regular_file(path, status.st_mode)


def _open_error(error: OSError | ValueError, path: AnyPath) -> AudioFileError:
    if isinstance(error, OSError):
        return from_os_error(error, path)
    return AudioFileError(  # a NUL in the name
        "No file can have this name; scan the library again.",
        code=ReadErrorCode.FILE_NOT_FOUND,
        path=path,
    )
