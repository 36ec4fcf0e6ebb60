"""What can go wrong with exports."""

from __future__ import annotations

from earmark.core.errors import EarmarkError


class ExportError(EarmarkError):
    """Base of the errors of exports."""

    code = "export_error"


class NotOneSoundError(ExportError):
    """A label track is of one sound, and the selection holds none or several."""

    code = "not_one_sound"
    hint = "Choose one with a query that fits only its name, or by its id."


class ExportExistsError(ExportError):
    """There is a file of the name that the export shall have."""

    code = "already_there"
    hint = "Choose another name, or move it away."
