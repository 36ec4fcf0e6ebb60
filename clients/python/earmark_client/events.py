"""Server-sent events, read until they end, over as many connections as it takes."""

from __future__ import annotations

import json
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from earmark_client.errors import EarmarkConnectionError, RateLimitedError, ServerError
from earmark_client.transport import Transport

_PAUSE_S = 2.0


@dataclass(frozen=True)
class ServerEvent:
    """Something that happened.

    Attributes
    ----------
    id : str
        Where to go on: hand it to ``events(..., after=id)``.
    kind : str
        ``state`` or ``end``, or the kind of the event, such as ``succeeded``.
    data : dict
    """

    id: str
    kind: str
    data: dict[str, Any]


def follow(transport: Transport, path: str, after: str = "") -> Iterator[ServerEvent]:
    """Yield events until the run has ended; a connection that breaks is made anew.

    Nothing is missed in between, and nothing comes twice.

    Raises
    ------
    EarmarkHttpError
        If the server refuses, for another reason than that it is overloaded.
    """
    while True:
        headers = {"Accept": "text/event-stream"}
        if after:
            headers["Last-Event-ID"] = after
        try:
            with transport.stream(path, headers=headers) as response:
                if response.status_code == 204:
                    return
                for event in read_events(response.iter_lines()):
                    after = event.id or after
                    yield event
                    if event.kind == "end":
                        return
        except (EarmarkConnectionError, RateLimitedError, ServerError):
            if not after:
                raise
        time.sleep(_PAUSE_S)


def read_events(lines: Iterable[str]) -> Iterator[ServerEvent]:
    """Read the lines of a stream, as the HTML Standard has them."""
    fields: dict[str, str] = {}
    for line in lines:
        if line:
            name, _, value = line.partition(":")
            if name:
                fields[name] = value.removeprefix(" ")
            continue
        if "data" in fields:
            kind = fields.get("event", "message")
            yield ServerEvent(fields.get("id", ""), kind, json.loads(fields["data"]))
        fields = {}
