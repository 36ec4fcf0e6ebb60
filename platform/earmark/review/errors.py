"""What can go wrong in the review of tags."""

from __future__ import annotations

from typing import ClassVar

from earmark.core.errors import EarmarkError


class ReviewError(EarmarkError):
    """Base of this app's errors."""

    code = "review_error"


class ItemUnknownError(ReviewError):
    """There is no such item."""

    code = "item_unknown"
    status: ClassVar[int] = 404
    hint = "`earmark review list` shows those that wait."


class ItemHeldError(ReviewError):
    """Another reviewer is at it."""

    code = "item_held"
    status: ClassVar[int] = 409
    hint = "Take another one; a hold that is not renewed ends by itself."


class LeaseLostError(ReviewError):
    """The hold on an item has ended, and somebody else may have it."""

    code = "lease_lost"
    status: ClassVar[int] = 409
    hint = "Ask for the next item; nothing was changed."


class ItemClosedError(ReviewError):
    """The item waits for nobody any more, or not for this reviewer."""

    code = "item_closed"
    status: ClassVar[int] = 409
    hint = "Undo the decision first, if it was wrong."


class InvalidDecisionError(ReviewError):
    """The decision lacks words, or has some that it cannot have."""

    code = "invalid_decision"


class DecisionUnknownError(ReviewError):
    """There is no such decision."""

    code = "decision_unknown"
    status: ClassVar[int] = 404


class NothingToUndoError(ReviewError):
    """The decision was taken back already, is an undo itself, or its item is gone."""

    code = "nothing_to_undo"
    status: ClassVar[int] = 409


class NotYoursError(ReviewError):
    """Somebody else has decided this."""

    code = "not_yours"
    status: ClassVar[int] = 403
    hint = "Editors of the library may take back decisions of others."


class DecisionTableError(ReviewError):
    """A table of decisions cannot be read at all."""

    code = "bad_table"
