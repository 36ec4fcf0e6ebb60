"""Django under an asynchronous server, with one change of threads for each request."""

from __future__ import annotations

from asgiref.sync import iscoroutinefunction, sync_to_async
from django.core.handlers.asgi import ASGIHandler
from django.core.handlers.base import BaseHandler
from django.http import HttpRequest, HttpResponseBase
from django.urls import Resolver404, resolve


class OneThreadHandler(ASGIHandler):
    """Answers a request for a synchronous view in one thread, middleware and all.

    Nearly all views are synchronous. Django itself goes to a thread and back for each middleware on
    the way, which takes longer than many an answer. Coroutines are answered its way.
    """

    def __init__(self) -> None:
        super().__init__()
        self._synchronous = BaseHandler()
        self._synchronous.load_middleware()

    async def get_response_async(self, request: HttpRequest) -> HttpResponseBase:
        """Return the answer."""
        if _is_coroutine(request.path_info):
            return await super().get_response_async(request)
        return await sync_to_async(self._synchronous.get_response)(request)


def _is_coroutine(path: str) -> bool:
    try:
        return bool(iscoroutinefunction(resolve(path).func))
    except Resolver404:
        return False
