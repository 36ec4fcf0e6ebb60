"""How many requests one user, one token or one stranger may send in a minute."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.conf import settings
from rest_framework.throttling import SimpleRateThrottle

if TYPE_CHECKING:  # its module imports this one, by the settings
    from rest_framework.request import Request
    from rest_framework.views import APIView


class ClientThrottle(SimpleRateThrottle):
    """Counts requests of each token, of each user with a session, of each address without either.

    Each web process counts by itself: the limits keep one client from taking it all, they are no
    quota.
    """

    def __init__(self) -> None:
        """Leave the rate to be found with the request."""

    def allow_request(self, request: Request, view: APIView) -> bool:
        """Whether the client has sent fewer requests than it may."""
        known = bool(request.user and request.user.is_authenticated)
        limit = (
            settings.EARMARK_API_REQUESTS_PER_MINUTE
            if known
            else settings.EARMARK_API_ANONYMOUS_REQUESTS_PER_MINUTE
        )
        self.num_requests, self.duration = limit, 60
        self.rate = f"{limit}/min" if limit else None
        return bool(super().allow_request(request, view))

    def get_cache_key(self, request: Request, view: APIView) -> str:
        """Return under which name the client's requests are counted."""
        token = getattr(request.auth, "pk", None)
        if token is not None:
            return f"throttle:token:{token}"
        if request.user and request.user.is_authenticated:
            return f"throttle:user:{request.user.pk}"
        return f"throttle:address:{self.get_ident(request)}"
