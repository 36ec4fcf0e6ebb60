"""Work that is done again when the database has ended it in favour of somebody else's."""

from __future__ import annotations

from collections.abc import Callable
from typing import ParamSpec, TypeVar

import structlog
from django.db import OperationalError, connection
from tenacity import RetryCallState, Retrying, retry_if_exception, stop_after_attempt, wait_random

_P = ParamSpec("_P")
_T = TypeVar("_T")

TRIES = 4
_LONGEST_PAUSE_S = 0.2
_AGAIN = frozenset({"40P01", "40001"})
"""What PostgreSQL calls a deadlock, and a transaction that others have overtaken."""

log = structlog.get_logger(__name__)


def again_after_deadlock(work: Callable[_P, _T]) -> Callable[_P, _T]:
    """Do a whole transaction again, a few times, when it has ended in a deadlock.

    Rows are locked in one order wherever that is possible; this is for what is left. Within a
    transaction of somebody else nothing is tried again: it is lost as a whole, and theirs to
    repeat. For functions that change nothing but the database.
    """
    retrying = Retrying(
        retry=retry_if_exception(_may_be_done_again),
        stop=stop_after_attempt(TRIES),
        wait=wait_random(0, _LONGEST_PAUSE_S),
        before_sleep=_tell,
        reraise=True,
    )
    return retrying.wraps(work)


def _may_be_done_again(error: BaseException) -> bool:
    if not isinstance(error, OperationalError) or connection.in_atomic_block:
        return False
    return getattr(error.__cause__, "sqlstate", None) in _AGAIN


def _tell(state: RetryCallState) -> None:
    name = getattr(state.fn, "__name__", "")
    log.warning("deadlock_met", work=name, attempt=state.attempt_number)
