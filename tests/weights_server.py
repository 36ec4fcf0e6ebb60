"""A real HTTP server on this machine that hands out files, well or badly."""

from __future__ import annotations

import contextlib
import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


@dataclass
class Server:
    """What it serves, how it misbehaves, and what it was asked.

    Attributes
    ----------
    files : dict
        Content by path, such as ``/a.bin``.
    drop_after : list of int
        For each coming request, after how many bytes the connection is cut; then no more.
    statuses : list of int
        For each coming request, a status to answer with instead.
    ranges, tell_length : bool
        Whether Range is understood, and Content-Length sent.
    validator : str
        ETag to send; empty sends none.
    redirects : dict
        Address by path.
    requests : list of dict
        Headers of every request so far.
    """

    url: str = ""
    files: dict[str, bytes] = field(default_factory=dict)
    drop_after: list[int] = field(default_factory=list)
    statuses: list[int] = field(default_factory=list)
    ranges: bool = True
    tell_length: bool = True
    validator: str = '"one"'
    redirects: dict[str, str] = field(default_factory=dict)
    requests: list[dict[str, str]] = field(default_factory=list)

    @property
    def asked_ranges(self) -> list[str | None]:
        return [request.get("Range") for request in self.requests]


@contextmanager
def serve() -> Iterator[Server]:
    """Run a server on a free port until the end of the block."""
    state = Server()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            state.requests.append(dict(self.headers))
            if self.path in state.redirects:
                self.send_response(302)
                self.send_header("Location", state.redirects[self.path])
                self.end_headers()
            elif state.statuses:
                self.send_error(state.statuses.pop(0))
            elif self.path not in state.files:
                self.send_error(404)
            else:
                self._send(state.files[self.path])

        def _send(self, content: bytes) -> None:
            asked = re.fullmatch(r"bytes=(\d+)-", self.headers.get("Range", ""))
            same = self.headers.get("If-Range", state.validator) == state.validator
            start = int(asked[1]) if asked and state.ranges and same else 0
            if start >= len(content) and start:
                self.send_error(416)
                return
            self.send_response(206 if start else 200)
            if start:
                told = f"bytes {start}-{len(content) - 1}/{len(content)}"
                self.send_header("Content-Range", told)
            if state.tell_length:
                self.send_header("Content-Length", str(len(content) - start))
            if state.validator:
                self.send_header("ETag", state.validator)
            self.end_headers()
            rest = content[start:]
            with contextlib.suppress(ConnectionError):  # who asked may have had enough
                self.wfile.write(rest[: state.drop_after.pop(0)] if state.drop_after else rest)

        def log_message(self, format: str, *args: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as http:
        state.url = f"http://127.0.0.1:{http.server_address[1]}"
        thread = threading.Thread(target=http.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        try:
            yield state
        finally:
            http.shutdown()
            thread.join()
