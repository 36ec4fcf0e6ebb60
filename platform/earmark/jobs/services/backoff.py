"""How long a job waits after a failure that may pass."""

from __future__ import annotations

import random
from datetime import timedelta

QUARANTINED = frozenset({"classifier_hung", "worker_died", "worker_killed"})
"""Reasons after which nothing is tried again by itself: the file has ended its workers more than
once already. A person may (``jobs retry``)."""

_SPREAD = 0.5


def delay_after(*, tries: int, base: timedelta, chance: float | None = None) -> timedelta:
    """Return how long to wait after so many failed tries: each time four times as long.

    Spread by half to either side, so that what failed together, for example because a volume was
    away, does not come back in one blow.

    Parameters
    ----------
    tries : int
        Failed tries so far, from 1.
    base : timedelta
        After the first.
    chance : float, optional
        In [0, 1): where in the spread; by default at random.
    """
    where = random.random() if chance is None else chance  # noqa: S311 - no secret
    factor: float = 4.0 ** (tries - 1) * (1 - _SPREAD + 2 * _SPREAD * where)
    return base * factor
