"""What can go wrong with tag writes, beside what the file itself refuses."""

from __future__ import annotations

from earmark.core.errors import EarmarkError


class NothingToUndoError(EarmarkError):
    """The write did not change the file, or was undone already."""

    code = "nothing_to_undo"
