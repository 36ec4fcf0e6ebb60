"""Events as they go over the wire: JSON values, and the text of server-sent events."""

from __future__ import annotations

import json
from typing import Any

from earmark.jobs.api.events_bookmark import Bookmark
from earmark.jobs.models import RunEvent

KEEP_ALIVE = b": still here\n\n"
"""A comment: it keeps connections open that proxies close when nothing comes."""

_RETRY_MS = 2000


def event_values(event: RunEvent) -> dict[str, Any]:
    """Return what an event says."""
    return {
        "id": event.pk,
        "run": event.run_id,
        "kind": event.kind,
        "jobs": event.jobs,
        "audio_seconds": round(event.audio_seconds, 3),
        "payload": event.payload,
        "created_at": event.created_at.isoformat(),
    }


def to_message(kind: str, values: dict[str, Any], bookmark: Bookmark | None = None) -> bytes:
    """Return a server-sent event.

    With a bookmark it carries it as its id: a client that loses the connection sends it back as
    ``Last-Event-ID``. Source: HTML Standard, "Server-sent events".
    """
    head = "" if bookmark is None else f"id: {bookmark}\n"
    return f"{head}event: {kind}\ndata: {json.dumps(values)}\n\n".encode()


def greeting() -> bytes:
    """Return what a stream starts with: how long a client waits before it connects again."""
    return f"retry: {_RETRY_MS}\n\n".encode()
