"""Where a detection is, on standard error."""

from __future__ import annotations

import time
from pathlib import Path

from rich.console import Console
from rich.live import Live
from rich.text import Text

from earmark_files.paths import display
from earmark_workers.report.progress import PLAIN_LINE_S, format_seconds


class ListeningLine:
    """One line that changes on a terminal; elsewhere a new one now and then."""

    def __init__(self, console: Console, recordings: int) -> None:
        self._console = console
        self._live = Live(console=console, transient=True, refresh_per_second=4)
        self._recordings = recordings
        self._number = 0
        self._path = ""
        self._said = time.monotonic()

    def __enter__(self) -> ListeningLine:
        if self._console.is_terminal:
            self._live.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._live.stop()

    def begin(self, path: Path) -> None:
        """Go on to the next recording."""
        self._number += 1
        self._path = display(str(path))

    def heard(self, seconds: float) -> None:
        """Show how far into the recording it is."""
        line = f"{self._number}/{self._recordings}  {format_seconds(seconds)}  {self._path}"
        if self._console.is_terminal:
            self._live.update(Text(line))
        elif time.monotonic() - self._said >= PLAIN_LINE_S:
            self._said = time.monotonic()
            self.say(line)

    def say(self, line: str) -> None:
        """Leave a line."""
        self._console.print(line, highlight=False, markup=False)
