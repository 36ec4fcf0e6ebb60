"""Segments as the files other programs read: Audacity label tracks, CSV, JSON. Pure functions."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterable
from typing import Any

from earmark.tagging.knowledge.segments import Segment

CSV_COLUMNS = ("file", "start", "end", "tag", "score", "mean", "label", "label_id", "classifier")


def to_audacity(segments: Iterable[Segment]) -> str:
    """Return an Audacity label track: start, end and name, one line each, parted by tabs.

    Source: Audacity manual, "Importing and Exporting Labels".
    """
    return "".join(f"{s.start:.6f}\t{s.end:.6f}\t{_one_line(s.name)}\n" for s in segments)


def to_csv_rows(file: str, classifier: str, segments: Iterable[Segment]) -> list[list[str]]:
    """Return a row for each segment; the columns are `CSV_COLUMNS`."""
    return [
        [
            file,
            f"{s.start:.3f}",
            f"{s.end:.3f}",
            s.name,
            f"{s.score:.3f}",
            f"{s.mean:.3f}",
            s.label,
            s.label_id,
            classifier,
        ]
        for s in segments
    ]


def to_csv(rows: Iterable[Iterable[str]], *, heading: bool = True) -> str:
    """Return rows as CSV, below a heading if wanted."""
    buffer = io.StringIO()
    writer = csv.writer(buffer, lineterminator="\n")
    if heading:
        writer.writerow(CSV_COLUMNS)
    writer.writerows(rows)
    return buffer.getvalue()


def to_values(file: str, classifier: str, segments: Iterable[Segment]) -> dict[str, Any]:
    """Return plain values for JSON."""
    return {
        "path": file,
        "classifier": classifier,
        "segments": [
            {
                "start": round(s.start, 3),
                "end": round(s.end, 3),
                "tag": s.name,
                "score": round(s.score, 4),
                "mean": round(s.mean, 4),
                "label": s.label,
                "label_id": s.label_id,
            }
            for s in segments
        ],
    }


def _one_line(name: str) -> str:
    return re.sub(r"[\t\r\n]+", " ", name)
