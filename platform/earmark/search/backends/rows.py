"""Documents as rows of `SearchDocument`, for all databases."""

from __future__ import annotations

from typing import Any

from earmark.search.documents import Document

COLUMNS = (
    *("place", "file_id", "library_id", "state", "container", "channels", "sample_rate"),
    *("duration", "catid", "modified", "sort_name", "content_key"),
)


def row_of(document: Document) -> tuple[Any, ...]:
    """Return the values of a row, in the order of `COLUMNS`."""
    record = document.record
    return (
        document.place,
        record.file_id,
        record.library_id,
        record.state,
        record.container,
        record.channels,
        record.sample_rate,
        -1.0 if record.duration is None else record.duration,
        record.catid,
        record.mtime_ns,
        document.sort_name,
        document.content_key,
    )
