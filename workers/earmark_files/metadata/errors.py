"""What can go wrong when tags are read or written; every error has a stable `code`.

All of them leave the sound file exactly as it was, unless the message says otherwise.
"""

from __future__ import annotations

import errno
import os
from pathlib import Path

from earmark_files.errors import AudioFileError


class MetadataError(AudioFileError):
    """Base of everything `earmark_files.metadata` raises on purpose."""

    default_code = "metadata_error"
    retryable = False

    def __init__(self, message: str, *, code: str | None = None, path: Path | None = None) -> None:
        super().__init__(message, code=code or self.default_code, path=path)


class InvalidTagError(MetadataError):
    """A value was handed in that no container could hold truthfully."""

    default_code = "invalid_tag"


class MalformedFileError(MetadataError):
    """The file's structure cannot be understood safely, so it is not touched."""

    default_code = "malformed_file"


class UnsupportedStructureError(MetadataError):
    """The file is sound, but built in a way that cannot be rewritten safely."""

    default_code = "unsupported_structure"


class ConflictError(MetadataError):
    """The file is no longer the one that was planned for, or recorded for undo."""

    default_code = "conflict"
    retryable = True


class LockedError(MetadataError):
    """Another Earmark process is writing this file at this moment."""

    default_code = "locked"
    retryable = True


class ReadOnlyError(MetadataError):
    """File, folder or volume must not be written to."""

    default_code = "read_only"


class NoSpaceError(MetadataError):
    """The volume cannot hold the new copy beside the old file."""

    default_code = "no_space"
    retryable = True


class WriteFailedError(MetadataError):
    """The operating system reported an error while the new copy was made."""

    default_code = "write_failed"
    retryable = True


class VerificationError(MetadataError):
    """The new copy was not what was planned; it was deleted and the old file kept."""

    default_code = "verification_failed"


class RecordError(MetadataError):
    """An undo record is damaged, or was written by a newer version."""

    default_code = "bad_undo_record"


_NO_SPACE = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}
_NO_PERMISSION = {errno.EACCES, errno.EPERM}


def from_os_error(error: OSError, path: Path) -> MetadataError:
    """Turn an operating system error into the typed one a person can act on.

    Parameters
    ----------
    error : OSError
        As raised by a system call of the writer or the reader.
    path : Path
        The sound file that was being worked on.
    """
    reason = os.strerror(error.errno) if error.errno else str(error)
    if error.errno in _NO_SPACE:
        return NoSpaceError(
            f"There is not enough room to write {path.name} ({reason}). "
            "Free some space on that volume and try again; the file is unchanged.",
            path=path,
        )
    if error.errno == errno.EROFS:
        return ReadOnlyError(
            f"The volume that holds {path.name} is read-only. The file is unchanged; "
            "choose a sidecar folder to keep its tags elsewhere.",
            path=path,
        )
    if error.errno in _NO_PERMISSION:
        return ReadOnlyError(
            f"Earmark is not allowed to write {path.name} or its folder ({reason}). "
            "Change the permissions, or choose a sidecar folder; the file is unchanged.",
            code="permission_denied",
            path=path,
        )
    if error.errno in {errno.ENOENT, errno.ENOTDIR, errno.ESTALE}:
        return MetadataError(
            f"{path.name} or its folder has vanished ({reason}). "
            "Check that the volume is connected and scan the library again.",
            code="file_not_found",
            path=path,
        )
    return WriteFailedError(
        f"Writing {path.name} failed ({reason}). The file is unchanged; "
        "check the volume and try again.",
        path=path,
    )
