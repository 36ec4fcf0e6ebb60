"""Ends this process when a classifier does not come back.

Native code that loops or waits for itself may hold the interpreter, so no thread of this process
could do it. The kernel can: a timer sends SIGALRM, which ends the process. Its parent sees by
that signal what has happened.
"""

from __future__ import annotations

import faulthandler
import signal
from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
import numpy.typing as npt

from earmark_plugin_api import WindowScores
from earmark_workers.engine.batching import Scorer

Floats = npt.NDArray[np.float32]

SIGNAL = signal.SIGALRM

UNHURRIED = 3.0
"""Loading, and the first batch, in which frameworks make themselves at home, may take so many
times as long."""

WINDOWS_MORE = 64
"""For so many windows a batch may take as long again."""


def tell_where() -> None:
    """Let the end of this process by its timer say in the error log where the code was."""
    faulthandler.register(SIGNAL, all_threads=False, chain=True)


@contextmanager
def limited(seconds: float) -> Iterator[None]:
    """End this process if what is inside takes longer; 0 is no limit.

    One at a time: a process has one timer.
    """
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)


class WatchedScorer:
    """A classifier that has so long for each call, or ends this process.

    Parameters
    ----------
    scorer : Scorer
    seconds : float
        For a small batch; 0 for no limit.
    """

    def __init__(self, scorer: Scorer, seconds: float) -> None:
        self._scorer = scorer
        self._seconds = seconds
        self._patience = UNHURRIED

    def predict(self, windows: Floats) -> WindowScores:
        """Score a batch; a large one may take longer."""
        with limited(self._patience * self._seconds * (1 + len(windows) / WINDOWS_MORE)):
            scores = self._scorer.predict(windows)
        self._patience = 1.0
        return scores

    def pool(self, scores: Floats) -> Floats:
        """Combine the window scores of one file."""
        with limited(self._seconds):
            return self._scorer.pool(scores)
