"""Who looks after everything in a process that does all work itself, also while a run takes hours.

The process takes turns of its own between scans, runs and writes. While one of these lasts, a
thread takes them: the search, the queue of review and operations on many files go on beside it.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

from django.conf import settings
from django.db import connection

from earmark.exchange.bulk.working import run_next_operation
from earmark_workers.pipeline.attempts import Attempt
from earmark_workers.pipeline.naming import worker_name
from earmark_workers.pipeline.slices import Slice
from earmark_workers.pipeline.stopping import StopRequest
from earmark_workers.pipeline.upkeep import STEPS, follow_changes, sweep


class Caretaker:
    """Takes turns: what `upkeep` is about, and a slice of an operation on many files.

    Parameters
    ----------
    stop : StopRequest
        That of the process; a turn ends early when it is asked.
    """

    def __init__(self, *, stop: StopRequest) -> None:
        self._stop = stop
        self._turn = threading.Lock()
        self._turned_at = time.monotonic()
        self._operations = Attempt("operations", self._operate)

    @property
    def attempts(self) -> tuple[Attempt, ...]:
        """Whatever may have broken off."""
        return (*STEPS, self._operations)

    def turn(self) -> bool:
        """Take a turn; return whether an operation was worked on."""
        with self._turn:
            sweep()
            follow_changes()
            busy = self._operations()
            self._turned_at = time.monotonic()
        return busy

    @contextmanager
    def beside(self) -> Iterator[None]:
        """Let a thread take a turn whenever nobody has for ``EARMARK_TICK_SECONDS``."""
        ended = threading.Event()
        thread = threading.Thread(target=self._go_on, args=[ended], name="caretaker", daemon=True)
        thread.start()
        try:
            yield
        finally:
            ended.set()
            thread.join()

    def _go_on(self, ended: threading.Event) -> None:
        pause = float(settings.EARMARK_TICK_SECONDS)
        try:
            while not ended.wait(max(0.1, self._turned_at + pause - time.monotonic())):
                if time.monotonic() - self._turned_at >= pause:
                    self.turn()
        finally:
            connection.close()

    def _operate(self) -> bool:
        """Work on an operation, as long as nothing else is due: the next turn goes on with it."""
        period = Slice(self._stop, settings.EARMARK_TICK_SECONDS)
        return run_next_operation(worker=worker_name(), should_stop=period.ask) is not None
