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
    max_seconds : float
        From the first look at the request to the last byte of its body.
    """

    def __init__(self, application: Application, *, max_bytes: int, max_seconds: float) -> None:
        self._application = application
        self._max_bytes = max_bytes
        self._max_seconds = max_seconds

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve a request."""
        if scope["type"] != "http":
            await self._application(scope, receive, send)
            return
        if _announced(scope) > self._max_bytes:
            await self._refuse_size(send)
            return
        body = _Body(receive, self._max_bytes, self._max_seconds)
        await self._application(scope, body.receive, send)
        if body.too_large:
            await self._refuse_size(send)
        elif body.too_slow:
            seconds = f"{self._max_seconds:g}"
            message = f"The request did not come in within {seconds} s."
            await _answer(send, 408, "request_too_slow", message)

    async def _refuse_size(self, send: Send) -> None:
        megabytes = self._max_bytes >> 20
        message = f"A request may not be larger than {megabytes} MB."
        await _answer(send, 413, "too_large", message)


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


def _announced(scope: Scope) -> int:
    """Return the length the request says its body has; 0 where it says none."""
    for name, value in scope["headers"]:
        if name == b"content-length" and value.isdigit():
            return int(value[:20])  # enough to be too large
    return 0


async def _answer(send: Send, status: int, code: str, message: str) -> None:
    body = json.dumps({"code": code, "message": message, "context": {}}).encode()
    headers = [
        (b"content-type", b"application/json"),
        (b"content-length", str(len(body)).encode()),
        (b"connection", b"close"),
    ]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})
