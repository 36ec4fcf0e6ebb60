"""What can go wrong with operations on many files."""

from __future__ import annotations

from earmark.core.errors import EarmarkError


class OperationLostError(EarmarkError):
    """Another worker has taken the operation over, or it was cancelled."""

    code = "operation_lost"
    hint = "Nothing is wrong with the files; whoever has the operation goes on."


class OperationOverError(EarmarkError):
    """The operation is over."""

    code = "operation_over"
    status = 409


class OperationBusyError(EarmarkError):
    """The operation cannot be ended before its step is."""

    code = "operation_busy"
    status = 409
    hint = "Ask again in a minute; if it submits a run, the run can be cancelled then."


class NotUndoableError(EarmarkError):
    """The operation changed no tags, or is not over yet."""

    code = "not_undoable"
    status = 409
