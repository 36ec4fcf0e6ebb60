"""The progress line of a scan, on standard error."""

from __future__ import annotations

import time
from types import TracebackType
from typing import Self

from rich.console import Console
from rich.status import Status
from rich.text import Text

from earmark.library.models import Scan
from earmark.library.services import ScanReport
from earmark_files.paths import display, text_to_path
from earmark_workers.report.progress import PLAIN_LINE_S


class ScanLine:
    """Numbers so far and the folder a scan is at; gone when it ends.

    Where standard error is no terminal, a plain line is printed now and then.
    """

    def __init__(self, console: Console) -> None:
        self._console = console
        self._said = time.monotonic()
        self._status = Status("", console=console) if console.is_terminal else None

    def __enter__(self) -> Self:
        if self._status is not None:
            self._status.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._status is not None:
            self._status.stop()

    def show(self, told: ScanReport | Scan, note: str = "") -> None:
        """Show how far a scan of ours, or of another worker, is."""
        place = display(text_to_path(told.cursor)) if told.cursor else ""
        text = " · ".join(part for part in (describe_counts(told), place, note) if part)
        if self._status is not None:
            self._status.update(Text(text, no_wrap=True, overflow="ellipsis"))
        elif time.monotonic() - self._said > PLAIN_LINE_S:
            self._said = time.monotonic()
            self._console.print(text, markup=False)


def describe_counts(told: ScanReport | Scan) -> str:
    """Say what was found, in one line; what is 0 is left out."""
    counts = {
        "new": told.added,
        "changed": told.changed,
        "back again": told.returned,
        "vanished": told.vanished,
        "left out now": told.excluded,
        "left for the next scan, as they changed just now": told.settling,
    }
    words = [f"{count:,} {word}" for word, count in counts.items() if count]
    return f"{told.found:,} files in {told.folders:,} folders: {', '.join(words) or 'nothing new'}"
