"""The errors of file work, each with a stable code, and the sentences people read for them.

Only codes that concern reading a file are listed here; metadata writing subclasses
`AudioFileError` with codes of its own.
"""

from __future__ import annotations

import errno
import os
from enum import StrEnum
from typing import Self, TypeAlias

AnyPath: TypeAlias = "str | bytes | os.PathLike[str] | os.PathLike[bytes]"


class ReadErrorCode(StrEnum):
    """Why a sound file could not be read. Stored in databases: never rename a value."""

    FILE_NOT_FOUND = "file_not_found"
    PERMISSION_DENIED = "permission_denied"
    NOT_A_REGULAR_FILE = "not_a_regular_file"
    EMPTY_FILE = "empty_file"
    NOT_AUDIO = "not_audio"
    UNSUPPORTED_FORMAT = "unsupported_format"
    TRUNCATED = "truncated"
    NO_SAMPLES = "no_samples"
    INVALID_SAMPLES = "invalid_samples"
    DECODE_FAILED = "decode_failed"
    DECODE_TIMEOUT = "decode_timeout"
    DECODE_MEMORY = "decode_memory"
    DECODE_CRASHED = "decode_crashed"
    CHANGED_DURING_RUN = "changed_during_run"


RETRYABLE = frozenset({ReadErrorCode.DECODE_TIMEOUT, ReadErrorCode.CHANGED_DURING_RUN})


class AudioFileError(Exception):
    """Something is wrong with one file; the rest of the library is not affected.

    Parameters
    ----------
    message : str
        One sentence a user understands, and what to do about it. Does not repeat the path.
    code : str
        Stable, machine-readable name of the reason, see `ReadErrorCode`.
    path : str, bytes or path-like, optional
        The file, as the caller named it.
    retryable : bool, optional
        Whether the same call may succeed later although nobody repaired the file. By default
        that follows from the code or the class.
    """

    retryable = False

    def __init__(
        self,
        message: str,
        *,
        code: str,
        path: AnyPath | None = None,
        retryable: bool | None = None,
    ) -> None:
        super().__init__(message)
        self.message = message
        self.code = str(code)
        self.path = path
        if retryable is not None:
            self.retryable = retryable
        elif code in RETRYABLE:
            self.retryable = True

    def with_path(self, path: AnyPath) -> Self:
        """Name the file and return the error, for callers that know the path when we do not."""
        self.path = path
        return self

    def __reduce__(self) -> tuple[object, ...]:
        # The default would call __init__ without the keyword-only arguments.
        state = {"code": self.code, "path": self.path, "retryable": self.retryable}
        return _rebuild, (type(self), self.message, state)


def _rebuild(cls: type[AudioFileError], message: str, state: dict[str, object]) -> AudioFileError:
    error = cls.__new__(cls, message)
    Exception.__init__(error, message)
    error.__dict__.update(state, message=message)
    return error


_OS_ERRORS: dict[int, tuple[ReadErrorCode, str]] = {
    errno.ENOENT: (
        ReadErrorCode.FILE_NOT_FOUND,
        "The file is not there any more; scan the library again.",
    ),
    errno.ENOTDIR: (
        ReadErrorCode.FILE_NOT_FOUND,
        "A folder on the way to the file is not there any more; scan the library again.",
    ),
    errno.ENAMETOOLONG: (
        ReadErrorCode.FILE_NOT_FOUND,
        "The path is longer than the system allows; move the file to a shorter path.",
    ),
    errno.EACCES: (
        ReadErrorCode.PERMISSION_DENIED,
        "You may not read this file; change its permissions or run as a user who may.",
    ),
    errno.EPERM: (
        ReadErrorCode.PERMISSION_DENIED,
        "You may not read this file; change its permissions or run as a user who may.",
    ),
    errno.ELOOP: (
        ReadErrorCode.NOT_A_REGULAR_FILE,
        "The symbolic link leads back to itself; remove the link or point it at a file.",
    ),
    errno.ENXIO: (
        ReadErrorCode.NOT_A_REGULAR_FILE,
        "This is a device or socket, not a sound file; remove it from the library.",
    ),
}


def from_os_error(error: OSError, path: AnyPath | None = None) -> AudioFileError:
    """Translate an operating system error into the error people see.

    Anything that is not about the name or the rights is a fault of the disk or network, so
    trying again later makes sense.
    """
    known = _OS_ERRORS.get(error.errno or 0)
    if known is not None:
        code, message = known
        return AudioFileError(message, code=code, path=path)
    reason = os.strerror(error.errno) if error.errno else str(error)
    return AudioFileError(
        f"The file could not be read from its disk ({reason}); check the volume and try again.",
        code=ReadErrorCode.DECODE_FAILED,
        path=path,
        retryable=True,
    )
