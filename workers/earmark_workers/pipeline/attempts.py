"""Kinds of work of which none shall hold up the others when something unforeseen happens in it.

A fault that nobody has thought of would otherwise end the process, whoever looks after it would
start it anew, and it would end at the same place again, with all other work undone.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from operator import call

import structlog
from django.db import InterfaceError, OperationalError, connection

log = structlog.get_logger(__name__)

FIRST_REST_S = 1.0
LONGEST_REST_S = 30.0
"""What breaks off rests for so long, twice as long each time, and this long at most."""

_AWAY = (OperationalError, InterfaceError, OSError)
"""The database or a volume is away, which needs no traceback."""


class Attempt:
    """A kind of work that is tried again later where it breaks off.

    Parameters
    ----------
    name : str
        For the log.
    work : callable
        Gets what the attempt is called with, and returns whether it has done anything.

    Attributes
    ----------
    error : Exception or None
        What it broke off with the last time, if it did.
    breaks : int
        How often in a row it has broken off by a fault that is no outage of something.
    """

    def __init__(self, name: str, work: Callable[..., object]) -> None:
        self._name = name
        self._work = work
        self._rest = FIRST_REST_S
        self._due = -math.inf
        self.error: Exception | None = None
        self.breaks = 0

    def __call__(self, *about: object) -> bool:
        """Do it, unless it rests; return whether it has done anything."""
        if time.monotonic() < self._due:
            return False
        try:
            done = bool(self._work(*about))
        except _AWAY as error:
            log.warning("work_broken_off", kind=self._name, again_in=self._rest, reason=str(error))
            self._break_off(error)
            return False
        except Exception as error:
            log.exception("work_broken_off", kind=self._name, again_in=self._rest)
            self.breaks += 1
            self._break_off(error)
            return False
        self._rest, self._due = FIRST_REST_S, -math.inf
        self.error, self.breaks = None, 0
        return done

    def _break_off(self, error: Exception) -> None:
        self.error = error
        self._due = time.monotonic() + self._rest
        self._rest = min(LONGEST_REST_S, 2 * self._rest)
        connection.close_if_unusable_or_obsolete()


class Attempts:
    """Work for one run after another: where it breaks off for one, others go on.

    Parameters
    ----------
    name : str
        For the log, where the number of the run follows.
    """

    def __init__(self, name: str) -> None:
        self._name = name
        self._broken: dict[int, Attempt] = {}

    @property
    def broken(self) -> list[Attempt]:
        """Those that have broken off and were not done since."""
        return [*self._broken.values()]

    def try_for(
        self, run: int, work: Callable[..., object], *about: object
    ) -> tuple[bool, Attempt]:
        """Do work for a run, unless that rests; return whether it has done anything, and how."""
        attempt = self._broken.pop(run, None) or Attempt(f"{self._name} {run}", call)
        done = attempt(work, *about)
        if attempt.error is not None:
            self._broken[run] = attempt
        return done, attempt

    def forget(self, run: int) -> None:
        """Try no more for a run."""
        self._broken.pop(run, None)
