"""The client: one method for each thing people do with Earmark from their programs.

Answers are the JSON values that the server gives, as its OpenAPI document (``/api/v1/schema``)
describes them; whatever has no method here can be asked for with `Earmark.get` and `Earmark.post`.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Self
from urllib.parse import parse_qs, urlsplit

from earmark_client.events import ServerEvent, follow
from earmark_client.transport import Query, Transport

_OPEN = frozenset({"queued", "running", "paused"})
_LOOKED_UP_AT_ONCE = 1000


class Earmark:
    """An Earmark server.

    Parameters
    ----------
    url : str
        Such as ``http://localhost:8000``.
    token : str, optional
        ``em_...``, made in Earmark; it needs the scopes of what is to be done.
    timeout : float
        Seconds without any sign of the server after which a connection is given up.
    tries : int
        How often a request that may come twice is sent at most.
    """

    def __init__(
        self, url: str, token: str | None = None, *, timeout: float = 30.0, tries: int = 4
    ) -> None:
        self._transport = Transport(url, token, timeout, tries)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """Give the connections back."""
        self._transport.close()

    # --- anything -----------------------------------------------------------------------------

    def get(self, path: str, query: Query | None = None) -> Any:
        """Return what is at a path below ``/api/v1/``."""
        return self._transport.get(path, query)

    def post(self, path: str, body: object = None) -> Any:
        """Post a body to a path below ``/api/v1/``; done once, however often it is sent."""
        return self._transport.post(path, body)

    def pages(self, path: str, query: Query | None = None) -> Iterator[dict[str, Any]]:
        """Yield all rows of a list, asking for one page after the other as they are wanted."""
        asked: dict[str, Any] = dict(query or {})
        while True:
            page = self._transport.get(path, asked)
            yield from page["results"]
            following = page.get("next")
            if not following:
                return
            asked["cursor"] = _cursor(following)

    # --- libraries, files, search -------------------------------------------------------------

    def libraries(self) -> Iterator[dict[str, Any]]:
        """Yield the libraries that may be seen."""
        return self.pages("libraries")

    def files(self, **filters: Any) -> Iterator[dict[str, Any]]:
        """Yield files, with the filters of ``GET /files``."""
        return self.pages("files", filters)

    def file(self, file_id: int) -> dict[str, Any]:
        """Return one file."""
        return _mapping(self.get(f"files/{file_id}"))

    def search(self, words: str = "", **filters: Any) -> Iterator[dict[str, Any]]:
        """Yield the files that fit, best first, with the filters of ``GET /search``."""
        return self.pages("search", {"q": words, **filters})

    def look_up(self, paths: Sequence[str | Path]) -> dict[str, list[dict[str, Any]]]:
        """Return what is known of files, by their absolute path as the server has it."""
        found: dict[str, list[dict[str, Any]]] = {}
        asked = [str(path) for path in paths]
        for start in range(0, len(asked), _LOOKED_UP_AT_ONCE):
            body = {"paths": asked[start : start + _LOOKED_UP_AT_ONCE]}
            answer = self._transport.send("POST", "lookup", body=body).json()
            found |= {one["value"]: one["files"] for one in answer["results"]}
        return found

    def tags(self, file_id: int) -> dict[str, Any]:
        """Return the tags of a file with their reasons."""
        return _mapping(self.get(f"files/{file_id}/tags"))

    # --- runs ---------------------------------------------------------------------------------

    def submit_run(self, library: int, **options: Any) -> dict[str, Any]:
        """Have a library classified, with the options of ``POST /runs``; return the run."""
        return _mapping(self.post("runs", {"library": library, **options}))

    def run(self, run_id: int) -> dict[str, Any]:
        """Return a run and how far it is."""
        return _mapping(self.get(f"runs/{run_id}"))

    def wait_for(self, run_id: int, *, every: float = 2.0) -> dict[str, Any]:
        """Return a run when it has ended."""
        while (run := self.run(run_id))["state"] in _OPEN:
            time.sleep(every)
        return run

    def run_events(self, run_id: int, *, after: str = "") -> Iterator[ServerEvent]:
        """Yield what happens to a run until it has ended."""
        return follow(self._transport, f"runs/{run_id}/events", after)

    def library_events(self, library_id: int, *, after: str = "") -> Iterator[ServerEvent]:
        """Yield what happens to all runs of a library, for ever."""
        return follow(self._transport, f"libraries/{library_id}/events", after)

    # --- many files at once -------------------------------------------------------------------

    def preview(self, library: int, **which: Any) -> dict[str, Any]:
        """Return how many files `change_files` would be about, and the first of them."""
        body = {"library": library, **which}
        return _mapping(self._transport.send("POST", "bulk/preview", body=body).json())

    def change_files(self, library: int, operation: str, **options: Any) -> dict[str, Any]:
        """Have something done to many files, with the options of ``POST /bulk``."""
        body = {"library": library, "operation": operation, **options}
        return _mapping(self.post("bulk", body))

    def change_events(self, operation_id: int, *, after: str = "") -> Iterator[ServerEvent]:
        """Yield how far an operation on many files is until it is over."""
        return follow(self._transport, f"bulk/{operation_id}/events", after)

    # --- exports and webhooks -----------------------------------------------------------------

    def export(self, form: str = "csv", **which: Any) -> Iterator[bytes]:
        """Yield an export piece by piece, with the parameters of ``GET /exports``."""
        with self._transport.stream("exports", query={"format": form, **which}) as response:
            yield from response.iter_bytes()

    def save_export(self, path: Path, form: str = "csv", **which: Any) -> int:
        """Write an export to a new file and return its bytes; what is there is not overwritten.

        A file that could not be completed is removed.
        """
        written = 0
        with path.open("xb") as file:
            try:
                for piece in self.export(form, **which):
                    written += file.write(piece)
            except BaseException:
                path.unlink()
                raise
        return written

    def create_webhook(
        self, url: str, events: Sequence[str], library: int | None = None
    ) -> dict[str, Any]:
        """Make a webhook; its ``secret`` is in this answer and nowhere else."""
        body: Mapping[str, object] = {"url": url, "events": list(events), "library": library}
        return _mapping(self.post("webhooks", body))

    def test_webhook(self, webhook_id: int) -> dict[str, Any]:
        """Have a test message sent; return the delivery, which tells later what became of it."""
        return _mapping(self.post(f"webhooks/{webhook_id}/test"))


def _cursor(following: str) -> str:
    """Return the cursor in ``next``: an address in most lists, the cursor itself in a search."""
    return parse_qs(urlsplit(following).query).get("cursor", [following])[0]


def _mapping(value: Any) -> dict[str, Any]:
    assert isinstance(value, dict), value
    return value
