"""What can go wrong between a file on disk and somebody who wants to hear or see it."""

from __future__ import annotations

from earmark.core.errors import EarmarkError


class SoundMissingError(EarmarkError):
    """The file is not where the database says, or it is none that may be opened."""

    code = "sound_missing"
    hint = "Mount the volume or scan the library again."
    status = 404


class SoundUnreadableError(EarmarkError):
    """The file is there, but its sound cannot be decoded; `code` says why."""

    status = 422

    def __init__(self, message: str, *, code: str) -> None:
        super().__init__(message)
        self.code = code


class RangeNotSatisfiableError(EarmarkError):
    """The range lies behind the end of the file."""

    code = "range_not_satisfiable"
    status = 416


class DrawingBusyError(EarmarkError):
    """So many pictures wait to be drawn that this one would wait too long."""

    code = "drawing_busy"
    hint = "Try again in a few seconds."
    status = 429
