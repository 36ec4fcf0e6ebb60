"""What can go wrong with an upload before anybody has listened to it."""

from __future__ import annotations

from earmark.core.errors import EarmarkError


class UploadTooLargeError(EarmarkError):
    """The file has more bytes than an upload may have."""

    code = "upload_too_large"
    hint = "Send a shorter part of it, or have it scanned as part of a library."
    status = 413


class UploadsBusyError(EarmarkError):
    """So many uploads wait already that this one would wait too long."""

    code = "uploads_busy"
    hint = "Try again in a minute."
    status = 429


class UploadFailedError(EarmarkError):
    """A worker could not classify the sound; `code` says why."""

    status = 422

    def __init__(self, message: str, *, code: str, upload: str) -> None:
        super().__init__(message, hint="", context={"upload": upload})
        self.code = code
