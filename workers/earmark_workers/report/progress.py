"""The progress line on standard error."""

from __future__ import annotations

import time
from collections.abc import Callable

from rich.console import Console
from rich.progress import BarColumn, Progress, ProgressColumn, Task, TextColumn
from rich.text import Text

PLAIN_LINE_S = 30.0
"""Where standard error is no terminal, a plain line is printed this often."""


def format_seconds(seconds: float) -> str:
    """Return ``1:02:03`` or ``2:03``."""
    whole = round(seconds)
    hours, minutes = whole // 3600, whole // 60 % 60
    return f"{hours}:{minutes:02}:{whole % 60:02}" if hours else f"{minutes}:{whole % 60:02}"


class _Remaining(ProgressColumn):
    """Time left, from the speed so far by size: files differ too much to count them."""

    def render(self, task: Task) -> Text:
        remaining = task.time_remaining
        return Text("ETA --:--" if remaining is None else f"ETA {format_seconds(remaining)}")


class ProgressLine:
    """Files, hours of audio, times real time, time left and failures, in one line.

    Parameters
    ----------
    files, size : int
        Files to do, and their bytes: progress and time left go by bytes.
    """

    def __init__(
        self,
        console: Console,
        *,
        files: int,
        size: int,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._console = console
        self._clock = clock
        self._begun = self._said = clock()
        self._files, self._total = 0, files
        self._failed = 0
        self._seconds = 0.0
        self._progress = Progress(
            TextColumn("{task.fields[text]}"),
            BarColumn(bar_width=24),
            _Remaining(),
            console=console,
            refresh_per_second=2,
            transient=True,
            disable=not console.is_terminal,
        )
        self._task = self._progress.add_task("", total=max(size, 1), text=self._text())

    def __enter__(self) -> ProgressLine:
        self._progress.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._progress.stop()

    @property
    def seconds(self) -> float:
        """Sound decoded so far."""
        return self._seconds

    def heard(self, seconds: float) -> None:
        """Count sound that has been decoded."""
        self._seconds += seconds
        self._show(0)

    def finished(self, *, files: int, size: int, failed: int = 0) -> None:
        """Count files that are done with, `failed` among them, and their bytes."""
        self._files += files
        self._failed += failed
        self._show(size)

    def _show(self, size: int) -> None:
        self._progress.update(self._task, advance=size, text=self._text())
        now = self._clock()
        if not self._console.is_terminal and now - self._said >= PLAIN_LINE_S:
            self._said = now
            self._console.print(self._text(), soft_wrap=True)

    def _text(self) -> str:
        elapsed = max(self._clock() - self._begun, 1e-6)
        return (
            f"{self._files}/{self._total} files  {self._seconds / 3600:.2f} h of audio  "
            f"{self._seconds / elapsed:.0f}x real time  {self._failed} failed"
        )
