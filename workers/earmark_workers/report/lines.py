"""Machine-readable output: JSON Lines and CSV, one record a file."""

from __future__ import annotations

import csv
import json
from typing import IO, Protocol

from earmark_workers.report.values import FileReport

DIGITS = 4
"""Scores are rounded to this; a calibrated score is not known any better."""


class ReportWriter(Protocol):
    """Takes the report of each file as soon as it is known."""

    def write(self, report: FileReport) -> None:
        """Put out one record."""
        ...


class JsonLines:
    """One JSON object a line, pure ASCII: any file name survives any terminal and pipe.

    A name that is not UTF-8 appears as Python's ``os.fsdecode`` would show it, its odd bytes as
    ``\\udc80`` to ``\\udcff``; ``os.fsencode`` of the parsed string is the name again.
    """

    def __init__(self, stream: IO[str]) -> None:
        self._stream = stream

    def write(self, report: FileReport) -> None:
        """Print one object and flush, so that the next program in a pipe sees it at once."""
        error = report.error
        record = {
            "path": report.path,
            "status": report.status.value,
            "error": {"code": error.code, "message": error.message} if error else None,
            "duration": None if report.duration is None else round(report.duration, 3),
            "tags": [
                {
                    "tag": tag.tag,
                    "confidence": round(tag.confidence, DIGITS),
                    "label": tag.label,
                    "origin": tag.origin,
                }
                for tag in report.tags
            ],
            "predictions": [
                {"label": p.label, "mid": p.mid, "score": round(p.score, DIGITS)}
                for p in report.predictions
            ],
        }
        self._stream.write(json.dumps(record) + "\n")
        self._stream.flush()


class CsvLines:
    """A table for spreadsheets: tags joined by semicolons, and the highest prediction."""

    COLUMNS = (
        "path",
        "status",
        "error_code",
        "error",
        "duration",
        "tags",
        "top_label",
        "top_score",
    )

    def __init__(self, stream: IO[str]) -> None:
        self._stream = stream
        self._writer = csv.writer(stream, lineterminator="\n")
        self._writer.writerow(self.COLUMNS)

    def write(self, report: FileReport) -> None:
        """Print one row and flush."""
        top = report.predictions[0] if report.predictions else None
        self._writer.writerow(
            (
                report.path,
                report.status.value,
                report.error.code if report.error else "",
                report.error.message if report.error else "",
                "" if report.duration is None else f"{report.duration:.3f}",
                "; ".join(tag.tag for tag in report.tags),
                top.label if top else "",
                f"{top.score:.{DIGITS}f}" if top else "",
            )
        )
        self._stream.flush()
