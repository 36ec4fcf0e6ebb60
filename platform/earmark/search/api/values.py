"""Answers as plain values.

A page has hundreds of fields; the serializers that describe them would take longer to fill them in
than the database to find the files.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from datetime import UTC, datetime
from operator import attrgetter
from typing import Any

from earmark.search.selectors import Facets, FoundFile, Looked


def _modified(found: FoundFile) -> str | None:
    try:
        moment = datetime.fromtimestamp(found.mtime_ns // 10**9, UTC)
    except (OverflowError, ValueError, OSError):
        return None
    return moment.isoformat().replace("+00:00", "Z")


def _tags(found: FoundFile) -> list[dict[str, Any]]:
    return [{"name": name, "confidence": confidence} for name, confidence in found.tags]


_VALUES: dict[str, Callable[[FoundFile], Any]] = {
    name: attrgetter(name)
    for name in (
        *("id", "library", "library_name", "path", "name", "folder", "duration", "channels"),
        *("sample_rate", "container", "state", "size", "audio_hash", "catid", "score"),
    )
}
_VALUES |= {"modified": _modified, "tags": _tags}

FIELDS = tuple(_VALUES)


def file_values(found: FoundFile, only: Collection[str] = ()) -> dict[str, Any]:
    """Return what `FoundFileSerializer` describes, or some of it."""
    return {name: _VALUES[name](found) for name in only or FIELDS}


def facet_values(facets: Facets) -> dict[str, Any]:
    """Return what `FacetsSerializer` describes."""
    counts = {
        name: [{"value": str(value), "files": files} for value, files in found]
        for name, found in facets.counts.items()
    }
    return {"sampled": facets.sampled, "exact": facets.exact, "counts": counts}


def looked_values(looked: Looked) -> dict[str, Any]:
    """Return what `LookedSerializer` describes."""
    files = [file_values(found) for found in looked.files]
    return {"by": looked.by, "value": looked.value, "files": files, "more": looked.more}
