"""The table and the summary at the end of a run."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from earmark_files.paths import display
from earmark_workers.report.progress import format_seconds
from earmark_workers.report.values import FileReport, Status, TagReport

MAX_ROWS = 50
"""Longer tables help nobody; `--json` and `--csv` give every file."""


def print_table(
    console: Console, reports: Sequence[FileReport], *, rows: int | None = MAX_ROWS
) -> None:
    """Print what was done, a line a file in order of their names.

    A line has name, length, and the tags or the reason why there are none.

    Parameters
    ----------
    console : Console
    reports : sequence of FileReport
    rows : int or None
        Show so many files at most, beside those that failed; None shows all.
    """
    if not reports:
        return
    root = os.path.commonpath([str(Path(report.path).parent) for report in reports])
    table = Table(box=None, pad_edge=False, header_style="bold")
    table.add_column("File", overflow="fold", max_width=48)
    table.add_column("Length", justify="right")
    table.add_column("Tags", overflow="fold")
    # A failure is never cut off: the table is where people learn of it.
    failed = [report for report in reports if report.status is Status.FAILED]
    others = [report for report in reports if report.status is not Status.FAILED]
    shown = sorted(others, key=_path)[:rows] + failed
    for report in sorted(shown, key=_path):
        table.add_row(
            escape(display(_shorten(report.path, root))),
            "" if report.duration is None else format_seconds(report.duration),
            _outcome(report),
        )
    console.print(table)
    if len(shown) < len(reports):
        hidden = len(reports) - len(shown)
        console.print(f"... and {hidden} more (-v, --json or --csv shows all)")


def print_diff(console: Console, report: FileReport) -> None:
    """Print what would change in a file."""
    console.print(report.diff, markup=False, soft_wrap=True)


def print_summary(
    console: Console,
    *,
    counts: Counter[Status],
    fresh: int,
    seconds: float,
    elapsed: float,
    empty: int = 0,
) -> None:
    """Print one line of totals, the failures named, and how many new files got no tag."""
    total = sum(counts.values())
    parts = [f"{total} files"]
    parts += [f"{counts[status]} {status.value}" for status in Status if counts[status]]
    line = ", ".join(parts)
    if empty:
        line += f" ({empty} without a tag above the threshold)"
    if fresh:
        line += (
            f"; {seconds / 3600:.2f} h of audio in {format_seconds(elapsed)} "
            f"({seconds / max(elapsed, 1e-6):.0f}x real time)"
        )
    elif total:
        line += "; nothing new to do"
    console.print(line, soft_wrap=True)


def _path(report: FileReport) -> str:
    return report.path


def _shorten(path: str, root: str) -> str:
    return str(Path(path).relative_to(root)) if Path(path).is_relative_to(root) else path


def _outcome(report: FileReport) -> str:
    if report.error is not None:
        colour = "yellow" if report.status is Status.SKIPPED else "red"
        return f"[{colour}]{report.error.code}[/]: {escape(report.error.message)}"
    if not report.tags:
        return "[dim]no tag above the threshold[/]"
    by_label: dict[str, list[TagReport]] = {}
    for tag in report.tags:
        by_label.setdefault(tag.label, []).append(tag)
    return "; ".join(map(_label, by_label.values()))


def _label(tags: Sequence[TagReport]) -> str:
    """Show the tags of one label: its name and confidence, its other words in brackets."""
    first, *others = tags
    text = f"{escape(first.tag)} {first.confidence:.2f}"
    if others:
        text += f" [dim]({escape(', '.join(tag.tag for tag in others))})[/]"
    return text
