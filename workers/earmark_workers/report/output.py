"""Where the reports of a run go: records to standard output, the rest where it does not mix."""

from __future__ import annotations

import sys
from collections import Counter
from typing import IO

from rich.console import Console

from earmark_files.paths import display
from earmark_workers.report.lines import CsvLines, JsonLines, ReportWriter
from earmark_workers.report.progress import ProgressLine
from earmark_workers.report.table import print_diff, print_summary, print_table
from earmark_workers.report.values import FileReport, Status


class Output:
    """The two streams of a command.

    With `json` or `csv`, standard output holds records only, each flushed as soon as it is known,
    and everything else goes to standard error. Otherwise standard output gets table and summary,
    standard error the progress line. Colours are for terminals only.

    Parameters
    ----------
    json, csv : bool
        At most one of them.
    rows : int or None
        Longest table; None shows every file.
    """

    def __init__(self, *, json: bool, csv: bool, rows: int | None) -> None:
        self.messages = Console(stderr=True, highlight=False)
        self._rows = rows
        self._lines: ReportWriter | None = None
        if json:
            self._lines = JsonLines(sys.stdout)
        elif csv:
            self._lines = CsvLines(_byte_transparent(sys.stdout))
        self._tables = self.messages if self._lines else PipeConsole(highlight=False)
        self._reports: list[FileReport] = []
        self._empty = 0

    @property
    def wants_all(self) -> bool:
        """Whether files without new work are reported too."""
        return self._lines is not None

    def progress(self, files: int, size: int) -> ProgressLine:
        """Make the progress line."""
        return ProgressLine(self.messages, files=files, size=size)

    def report(self, report: FileReport) -> None:
        """Put out one file."""
        self._empty += report.fresh and report.error is None and not report.tags
        if self._lines is None:
            self._reports.append(report)
        else:
            self._lines.write(report)
            if report.error is not None:
                self.messages.print(_one_line(report), markup=False, soft_wrap=True)
        if report.diff:
            print_diff(self._tables, report)

    def finish(
        self, *, counts: Counter[Status], fresh: int, seconds: float, elapsed: float
    ) -> None:
        """Print table and summary."""
        if self._lines is None:
            print_table(self._tables, self._reports, rows=self._rows)
        print_summary(
            self._tables,
            counts=counts,
            fresh=fresh,
            seconds=seconds,
            elapsed=elapsed,
            empty=self._empty,
        )
        sys.stdout.flush()


class PipeConsole(Console):
    """A console that lets a broken pipe through; rich's own would end with status 1."""

    def on_broken_pipe(self) -> None:
        """Raise what rich has caught."""
        raise BrokenPipeError


def _one_line(report: FileReport) -> str:
    assert report.error is not None
    return f"{display(report.path)}: {report.error.code}: {report.error.message}"


def _byte_transparent(stream: IO[str]) -> IO[str]:
    """Let names that are not UTF-8 through as the bytes they are."""
    reconfigure = getattr(stream, "reconfigure", None)
    if reconfigure is not None:
        reconfigure(errors="surrogateescape")
    return stream
