"""How far somebody has read in the events of runs. Pure values.

The ids of one run's events grow in the order in which they become visible, those of several runs
together do not: event 6 of one run may appear after event 7 of another. So a bookmark remembers the
last event of each run that something happened to lately, and one number for all others.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

_FORM = re.compile(r"(\d{1,18})((?:,\d{1,18}:\d{1,18}){0,500})")


class BookmarkError(ValueError):
    """A text is no bookmark."""


@dataclass(frozen=True)
class Bookmark:
    """A place in the events of some runs.

    Attributes
    ----------
    base : int
        All events up to this id are read, of whatever run.
    runs : mapping of int to int
        The last event that is read of a run, where that is beyond `base`.
    """

    base: int = 0
    runs: Mapping[int, int] = field(default_factory=dict)

    def __str__(self) -> str:
        """Return it as the id of a server-sent event: ``120``, or ``120,7:131,9:128``."""
        return ",".join((str(self.base), *(f"{run}:{last}" for run, last in self.runs.items())))

    @classmethod
    def parse(cls, text: str) -> Bookmark:
        """Read what `str` gave.

        Raises
        ------
        BookmarkError
            If it is something else.
        """
        found = _FORM.fullmatch(text)
        if found is None or not text.isascii():
            raise BookmarkError(text)
        pairs = (pair.split(":") for pair in found[2].split(",") if pair)
        return cls(int(found[1]), {int(run): int(last) for run, last in pairs})

    def last_of(self, run: int) -> int:
        """Return the id up to which a run's events are read."""
        return max(self.base, self.runs.get(run, 0))

    def after(self, run: int, event: int) -> Bookmark:
        """Return the place behind one more event of a run."""
        return Bookmark(self.base, {**self.runs, run: event})

    def raised_to(self, base: int) -> Bookmark:
        """Return the same place for somebody to whom all events up to `base` are known."""
        base = max(base, self.base)
        return Bookmark(base, {run: last for run, last in self.runs.items() if last > base})
