"""What no request may exceed: bytes of its body, and the time in which that has to come.

Django under ASGI takes in the whole body before it looks at anything else, so this has to stand in
front of it.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

Scope = dict[str, Any]
Message = Mapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
Application = Callable[[Scope, Receive, Send], Awaitable[None]]


class BodyLimits:
    """An ASGI application around another one, which never sees a body that is too large or slow.

    Parameters
    ----------
    application : callable
        What answers the requests that are within the limits.
    max_bytes : int
        Of what is read into memory: JSON, CSV and whatever else.
    max_form_bytes : int
        Of forms with files (``multipart/form-data``), which go to disk as they come.
    max_seconds : float
        From the first look at the request to the last byte of its body.
    """

    def __init__(
        self,
        application: Application,
        *,
        max_bytes: int,
        max_form_bytes: int,
        max_seconds: float,
    ) -> None:
        self._application = application
        self._max_bytes = max_bytes
        self._max_form_bytes = max_form_bytes
        self._max_seconds = max_seconds

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve a request."""
        if scope["type"] != "http":
            await self._application(scope, receive, send)
            return
        limit = self._max_form_bytes if _is_form(scope) else self._max_bytes
        if _announced(scope) > limit:
            await _refuse_size(send, limit)
            return
        body = _Body(receive, limit, self._max_seconds)
        await self._application(scope, body.receive, send)
        if body.too_large:
            await _refuse_size(send, limit)
        elif body.too_slow:
            seconds = f"{self._max_seconds:g}"
            message = f"The request did not come in within {seconds} s."
            await _answer(send, 408, "request_too_slow", message)


class _Body:
    """A body on its way in. One that breaks a limit looks to the application like a client that
    has hung up: it stops and answers nothing.
    """

    def __init__(self, receive: Receive, max_bytes: int, max_seconds: float) -> None:
        self._receive = receive
        self._left = max_bytes
        self._deadline = asyncio.get_running_loop().time() + max_seconds
        self._complete = False
        self.too_large = False
        self.too_slow = False

    async def receive(self) -> Message:
        """Return the next piece."""
        if self._complete:
            return await self._receive()  # waits for the client to hang up, for however long
        try:
            async with asyncio.timeout_at(self._deadline):
                message = await self._receive()
        except TimeoutError:
            self.too_slow = True
            return {"type": "http.disconnect"}
        self._left -= len(message.get("body", b""))
        if self._left < 0:
            self.too_large = True
            return {"type": "http.disconnect"}
        self._complete = not message.get("more_body", False)
        return message


def _is_form(scope: Scope) -> bool:
    """Say whether the body is a form with files, as Django sees it."""
    kind = _header(scope, b"content-type").partition(b";")[0]
    return kind.strip().lower() == b"multipart/form-data"


def _announced(scope: Scope) -> int:
    """Return the length the request says its body has; 0 where it says none."""
    length = _header(scope, b"content-length")
    return int(length[:20]) if length.isdigit() else 0  # enough to be too large


def _header(scope: Scope, wanted: bytes) -> bytes:
    return next((bytes(value) for name, value in scope["headers"] if name == wanted), b"")


async def _refuse_size(send: Send, limit: int) -> None:
    await _answer(send, 413, "too_large", f"This request may not be larger than {limit >> 20} MB.")


async def _answer(send: Send, status: int, code: str, message: str) -> None:
    body = json.dumps({"code": code, "message": message, "context": {}}).encode()
    headers = [
        (b"content-type", b"application/json"),
        (b"content-length", str(len(body)).encode()),
        (b"connection", b"close"),
    ]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})
