"""Which request the present code runs for, so that the audit log need not be handed through."""

from __future__ import annotations

import getpass
from collections.abc import Awaitable, Callable
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any

from asgiref.sync import iscoroutinefunction, markcoroutinefunction
from django.contrib.auth.models import User
from django.http import HttpRequest, HttpResponseBase

from earmark.accounts.models import ApiToken

_request: ContextVar[HttpRequest | None] = ContextVar("request", default=None)


@dataclass(frozen=True)
class Origin:
    """Who acts, and from where.

    Attributes
    ----------
    user : User or None
        Who is signed in or owns the token.
    name : str
        In words, also where nobody is signed in.
    token : ApiToken or None
    address : str or None
        Of the other end of the connection. Behind a proxy the web server has to be told to
        believe it (uvicorn: ``--forwarded-allow-ips``).
    """

    user: User | None
    name: str
    token: ApiToken | None = None
    address: str | None = None


def current_origin() -> Origin:
    """Return who the present code acts for: the request's user, or whoever runs the command."""
    request = _request.get()
    if request is None:
        return Origin(None, f"{_account()} on the command line")
    found = getattr(request, "user", None)
    user = found if isinstance(found, User) else None
    token = getattr(request, "auth", None)
    return Origin(
        user=user,
        name=user.get_username() if user else "nobody",
        token=token if isinstance(token, ApiToken) else None,
        address=address_of(request),
    )


def address_of(request: HttpRequest) -> str | None:
    """Return where a request comes from, if that is an address (a Unix socket is none)."""
    return request.META.get("REMOTE_ADDR") or None


class OriginMiddleware:
    """Remembers the request for as long as it is answered."""

    sync_capable = True
    async_capable = True

    def __init__(self, get_response: Callable[[HttpRequest], Any]) -> None:
        self._get_response = get_response
        self._is_async = iscoroutinefunction(get_response)
        if self._is_async:
            markcoroutinefunction(self)

    def __call__(self, request: HttpRequest) -> HttpResponseBase | Awaitable[HttpResponseBase]:
        """Answer the request."""
        return self._answer_async(request) if self._is_async else self._answer(request)

    def _answer(self, request: HttpRequest) -> HttpResponseBase:
        before = _request.set(request)
        try:
            response: HttpResponseBase = self._get_response(request)
            return response
        finally:
            _request.reset(before)

    async def _answer_async(self, request: HttpRequest) -> HttpResponseBase:
        before = _request.set(request)
        try:
            response: HttpResponseBase = await self._get_response(request)
            return response
        finally:
            _request.reset(before)


def _account() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):  # an id without a name, as in some containers
        return "somebody"
