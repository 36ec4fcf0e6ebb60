"""What can go wrong with tag writes, beside what the file itself refuses."""

from __future__ import annotations

from earmark.core.errors import EarmarkError


class NothingToUndoError(EarmarkError):
    """The write did not change the file, or was undone already."""

    code = "nothing_to_undo"
    status = 409


class UnknownFileError(EarmarkError):
    """No library holds the file, or no scan has seen it."""

    code = "unknown_file"
    hint = "Tag it first: earmark tag PATH"


class UnusableSoundError(EarmarkError):
    """Nothing can be heard in the sound: it is silent, broken or no sound at all."""

    code = "unusable_sound"


class FileChangedError(EarmarkError):
    """The file is not the one that was listened to."""

    code = "file_changed"
    status = 409
    hint = "Tag it again: earmark tag PATH"


class NoTimelineError(EarmarkError):
    """The classifier has not heard the file, or did so before timelines were kept."""

    code = "no_timeline"
    status = 409
    hint = "Tag the file with that classifier: earmark tag --classifier NAME PATH"


class RenameRefusedError(EarmarkError):
    """A file keeps its name; the code says why."""

    code = "rename_refused"

    def __init__(self, message: str, *, code: str, hint: str = "") -> None:
        super().__init__(message, hint=hint)
        self.code = code
