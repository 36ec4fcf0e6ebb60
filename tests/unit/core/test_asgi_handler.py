"""How requests are answered under an asynchronous server: with one change of threads, or none."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from asgiref.sync import iscoroutinefunction
from django.http import HttpRequest, HttpResponse
from django.test import override_settings
from django.urls import path
from django.utils.decorators import sync_and_async_middleware

from earmark.core.asgi_handler import OneThreadHandler

ways: list[str] = []


@sync_and_async_middleware
def note_the_way(get_response: Callable[[HttpRequest], Any]) -> Callable[[HttpRequest], Any]:
    """Note whether the middleware is asked in a thread or on the event loop."""

    def answer(request: HttpRequest) -> HttpResponse:
        ways.append("thread")
        response: HttpResponse = get_response(request)
        return response

    async def answer_async(request: HttpRequest) -> HttpResponse:
        ways.append("loop")
        response: HttpResponse = await get_response(request)
        return response

    return answer_async if iscoroutinefunction(get_response) else answer


def plain(request: HttpRequest) -> HttpResponse:
    return HttpResponse("plain")


async def coroutine(request: HttpRequest) -> HttpResponse:
    return HttpResponse("coroutine")


urlpatterns = [path("plain", plain), path("coroutine", coroutine)]


@pytest.mark.parametrize(
    ("asked", "status", "way"),
    [("/plain", 200, "thread"), ("/coroutine", 200, "loop"), ("/nothing", 404, "thread")],
)
@override_settings(ROOT_URLCONF=__name__, MIDDLEWARE=[f"{__name__}.note_the_way"])
def test_only_coroutines_are_answered_on_the_event_loop(asked: str, status: int, way: str) -> None:
    ways.clear()
    messages = asyncio.run(_ask(OneThreadHandler(), asked))
    assert messages[0]["status"] == status
    assert ways == [way]


async def _ask(handler: Callable[..., Awaitable[None]], asked: str) -> list[dict[str, Any]]:
    requests = iter([{"type": "http.request", "body": b""}])
    messages: list[dict[str, Any]] = []

    async def receive() -> dict[str, Any]:
        for message in requests:
            return message
        await asyncio.Event().wait()  # the client stays
        raise AssertionError

    async def send(message: dict[str, Any]) -> None:
        messages.append(message)

    scope = {"type": "http", "method": "GET", "path": asked, "headers": [], "query_string": b""}
    await handler(scope, receive, send)
    return messages
