"""A slice: the stretch of work that one message stands for."""

from __future__ import annotations

import time
from dataclasses import dataclass, field

from earmark_workers.pipeline.stopping import StopRequest


@dataclass
class Slice:
    """Until when a worker takes new work.

    Parameters
    ----------
    stop : StopRequest
        Ends it before its time.
    seconds : float
    """

    stop: StopRequest
    seconds: float
    _end: float = field(init=False)

    def __post_init__(self) -> None:
        self._end = time.monotonic() + self.seconds

    @property
    def over(self) -> bool:
        """Whether no new work is to be taken."""
        return self.stop.asked or time.monotonic() >= self._end

    def ask(self) -> bool:
        """Say the same, as a function."""
        return self.over
