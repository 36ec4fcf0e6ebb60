"""Requests that are too large or too slow never reach the application."""

from __future__ import annotations

import asyncio
import json

import pytest

from earmark.core.body_limits import BodyLimits


class Echo:
    """Takes the body in as Django does, and tells how long it was."""

    def __init__(self) -> None:
        self.hung_up = False

    async def __call__(self, scope, receive, send):
        length, more = 0, True
        while more:
            message = await receive()
            if message["type"] == "http.disconnect":
                self.hung_up = True
                return
            length += len(message["body"])
            more = message["more_body"]
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": str(length).encode()})


def ask(pieces, *, headers=(), pause=0.0, seconds=5.0):
    """Send pieces to an application that takes 1 MB, and 3 MB of forms; return what came of it."""
    echo, sent, left = Echo(), [], list(pieces)

    async def receive():
        await asyncio.sleep(pause)
        piece = left.pop(0)
        return {"type": "http.request", "body": piece, "more_body": bool(left)}

    async def send(message):
        sent.append(message)

    application = BodyLimits(echo, max_bytes=1 << 20, max_form_bytes=3 << 20, max_seconds=seconds)
    asyncio.run(application({"type": "http", "headers": list(headers)}, receive, send))
    start, body = sent
    return start["status"], body["body"], echo, left


def test_a_body_within_the_limits_passes_whole():
    status, body, _, _ = ask([b"x" * (1 << 19)] * 2)
    assert (status, body) == (200, b"1048576")


def test_a_length_that_is_too_large_is_refused_before_a_byte_is_read():
    status, body, _, left = ask([b"x"], headers=[(b"content-length", b"1048577")])

    assert (status, json.loads(body)["code"]) == (413, "too_large")
    assert left == [b"x"]


def test_a_body_that_becomes_too_large_is_cut_off_there():
    status, body, echo, left = ask([b"x" * (1 << 20)] * 9)

    assert (status, json.loads(body)["code"]) == (413, "too_large")
    assert echo.hung_up
    assert len(left) == 7


@pytest.mark.parametrize("kind", [b"multipart/form-data; boundary=x", b"Multipart/Form-Data"])
def test_a_form_with_files_may_be_larger_and_not_endless(kind: bytes):
    headers = [(b"content-type", kind)]
    assert ask([b"x" * (1 << 20)] * 3, headers=headers)[:2] == (200, b"3145728")
    assert ask([b"x" * (1 << 20)] * 4, headers=headers)[0] == 413


@pytest.mark.parametrize("kind", [b"application/json", b"text/csv", b"multipart/form-dataset"])
def test_nothing_else_is_taken_for_a_form_with_files(kind: bytes):
    assert ask([b"x" * (1 << 20)] * 2, headers=[(b"content-type", kind)])[0] == 413


def test_a_body_that_trickles_in_is_given_up():
    status, body, echo, _ = ask([b"x"] * 1000, pause=0.01, seconds=0.05)

    assert (status, json.loads(body)["code"]) == (408, "request_too_slow")
    assert echo.hung_up


@pytest.mark.parametrize("kind", ["websocket", "lifespan"])
def test_what_is_no_request_passes_as_it_is(kind: str):
    seen = []

    async def application(scope, receive, send):
        seen.append(scope["type"])

    asyncio.run(
        BodyLimits(application, max_bytes=1, max_form_bytes=1, max_seconds=1)(
            {"type": kind}, None, None
        )
    )
    assert seen == [kind]


def test_waiting_for_the_client_to_hang_up_has_no_limit():
    async def application(scope, receive, send):
        await receive()
        message = await receive()
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": message["type"].encode()})

    messages = [{"type": "http.request", "body": b""}, {"type": "http.disconnect"}]
    sent = []

    async def receive():
        await asyncio.sleep(0.03)
        return messages.pop(0)

    async def send(message):
        sent.append(message)

    limited = BodyLimits(application, max_bytes=1, max_form_bytes=1, max_seconds=0.05)
    asyncio.run(limited({"type": "http", "headers": []}, receive, send))
    assert sent[1]["body"] == b"http.disconnect"
