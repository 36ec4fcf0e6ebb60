"""The clock: ``celery -A earmark beat`` sends `earmark.tick` every ``EARMARK_TICK_SECONDS``."""

from __future__ import annotations

import time
from typing import Any

from celery.beat import Scheduler
from django.conf import settings

from earmark.core.hints import send_tick


class Clock(Scheduler):  # type: ignore[misc]  # Celery's has no types
    """Counts seconds by a clock that nobody sets.

    Celery's own scheduler goes by the time of day: where that is set back by an hour, it would
    send nothing for an hour. It also keeps a file, which is not needed for one thing that is
    simply done again after some seconds.
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._due = time.monotonic()

    def setup_schedule(self) -> None:
        """Take nothing from the settings of Celery."""

    def tick(self, *args: Any, **kwargs: Any) -> float:
        """Send what is due; return the seconds until the next time."""
        now = time.monotonic()
        if now >= self._due:
            self._due = now + settings.EARMARK_TICK_SECONDS
            send_tick()
        return self._due - now
