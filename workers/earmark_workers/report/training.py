"""The progress of a training on standard error: a line that changes, or lines for a log."""

from __future__ import annotations

import time

from rich.console import Console
from rich.live import Live
from rich.text import Text

from earmark_classifiers.training.trainers import Progress
from earmark_workers.report.progress import PLAIN_LINE_S, format_seconds


class TrainingLine:
    """Shows where a training is; on a terminal in one line, elsewhere now and then in a new one.

    Each epoch leaves a line in both.
    """

    def __init__(self, console: Console) -> None:
        self._console = console
        self._live = Live(console=console, transient=True, refresh_per_second=4)
        self._stage = ""
        self._said = 0.0

    def __enter__(self) -> TrainingLine:
        if self._console.is_terminal:
            self._live.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._live.stop()

    def show(self, progress: Progress) -> None:
        """Show it."""
        line = format_progress(progress)
        is_epoch = progress.loss is not None
        now = time.monotonic()
        if self._console.is_terminal and not is_epoch:
            self._live.update(Text(line))
        elif is_epoch or progress.stage != self._stage or now - self._said >= PLAIN_LINE_S:
            self._said = now
            self._console.print(line, highlight=False, markup=False)
        self._stage = progress.stage


def format_progress(progress: Progress) -> str:
    """Return ``training 3/40, loss 1.234, accuracy 0.61, ETA 2:05``."""
    parts = [progress.stage]
    if progress.of:
        parts[0] += f" {progress.step}/{progress.of}"
    if progress.loss is not None:
        parts.append(f"loss {progress.loss:.3f}")
    if progress.accuracy is not None:
        parts.append(f"validation accuracy {progress.accuracy:.3f}")
    if progress.seconds_left is not None:
        parts.append(f"ETA {format_seconds(progress.seconds_left)}")
    return ", ".join(parts)
