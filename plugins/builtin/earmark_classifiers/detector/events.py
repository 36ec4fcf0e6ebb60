"""From window scores to events: where in a recording the sound was. Pure functions over arrays."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.floating]


@dataclass(frozen=True)
class Event:
    """A stretch of a recording in which the sound is heard.

    Attributes
    ----------
    start, end : float
        In seconds.
    score : float
        The highest of its windows.
    """

    start: float
    end: float
    score: float

    @property
    def seconds(self) -> float:
        """Length."""
        return self.end - self.start


@dataclass(frozen=True)
class EventRules:
    """How windows become events.

    Attributes
    ----------
    threshold : float
        An event has a window of this score at least.
    release : float
        It goes on while windows have this score at least: at most `threshold`. One window that is
        a little unsure then does not cut a song in two.
    max_gap : float
        Events no further apart than this, in seconds, are one.
    min_seconds : float
        Shorter events are dropped.

    Raises
    ------
    ValueError
        If a value makes no sense.
    """

    threshold: float
    release: float
    max_gap: float = 1.0
    min_seconds: float = 0.0

    def __post_init__(self) -> None:
        if not 0 < self.release <= self.threshold <= 1:
            raise ValueError("events need 0 < release <= threshold <= 1")
        if self.max_gap < 0 or self.min_seconds < 0:
            raise ValueError("gap and length of events cannot be negative")


def find_events(starts: Floats, ends: Floats, scores: Floats, rules: EventRules) -> list[Event]:
    """Merge neighbouring windows into events, from first to last.

    A window says that the sound is somewhere in it. Windows overlap, so the neighbours that do not
    hear it say more: an event begins where the last window before it ends, and is over where the
    first window behind it begins. The threshold with hysteresis is that of Canny, "A Computational
    Approach to Edge Detection", IEEE Trans. PAMI 8(6), 1986.

    Parameters
    ----------
    starts, ends : ndarray, shape (windows,)
        In seconds, both rising.
    scores : ndarray, shape (windows,)
        In [0, 1].
    rules : EventRules

    Raises
    ------
    ValueError
        If there is not one start and one end a score.
    """
    if not starts.shape == ends.shape == scores.shape or scores.ndim != 1:
        raise ValueError("every window needs a start, an end and a score")
    open_ = scores >= rules.release
    edges = np.diff(open_.astype(np.int8), prepend=0, append=0)
    events: list[Event] = []
    for first, behind in zip(np.flatnonzero(edges > 0), np.flatnonzero(edges < 0), strict=True):
        best = float(scores[first:behind].max())
        if best < rules.threshold:
            continue
        start, end = _extent(starts, ends, int(first), int(behind) - 1)
        if events and start - events[-1].end <= rules.max_gap:
            last = events.pop()
            events.append(Event(last.start, max(last.end, end), max(last.score, best)))
        else:
            events.append(Event(start, end, best))
    return [event for event in events if event.seconds >= rules.min_seconds]


def _extent(starts: Floats, ends: Floats, first: int, last: int) -> tuple[float, float]:
    """Return where the sound of the windows `first` to `last` can be."""
    earliest, latest = float(starts[first]), float(ends[last])
    begin = max(earliest, float(ends[first - 1])) if first else earliest
    finish = min(latest, float(starts[last + 1])) if last + 1 < len(starts) else latest
    if begin < finish:
        return begin, finish
    # Its neighbours hear all of a lone window between them: the middle is as good a guess as any.
    middle = (earliest + latest) / 2
    hop = float(starts[1] - starts[0])  # that of the last window may be smaller
    half = min(latest - earliest, hop) / 2
    return middle - half, middle + half
