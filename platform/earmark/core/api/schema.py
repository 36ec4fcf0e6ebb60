"""The OpenAPI document: errors that every operation can give need not be named by views."""

from __future__ import annotations

from typing import Any

from drf_spectacular.openapi import AutoSchema
from drf_spectacular.utils import OpenApiParameter

from earmark.core.api.access import Access
from earmark.core.api.errors import ErrorSerializer
from earmark.core.api.idempotency import HEADER

_IDEMPOTENCY_KEY = OpenApiParameter(
    HEADER,
    {"type": "string", "minLength": 1, "maxLength": 255, "pattern": "^[ -~]+$"},
    OpenApiParameter.HEADER,
    description="Any text of your own, new for each request. If the same request is sent again "
    "with the same key within a day, it is answered again and not done again.",
)

_MEANINGS = {
    400: "The input is not valid.",
    401: "Nobody is signed in, or the token is not valid.",
    403: "The role or the token does not allow this.",
    404: "There is no such thing, or it may not be seen.",
    409: "The `Idempotency-Key` was sent with another request before.",
    406: "No offered format is accepted.",
    408: "The body did not come in within the time a request has.",
    413: "The body is larger than a request may be.",
    415: "The body's format is not understood.",
    429: "Too many requests; `Retry-After` says when to try again.",
}


def errors(*statuses: int) -> dict[int, type[ErrorSerializer]]:
    """Return responses for `extend_schema`: errors beyond those that `ApiSchema` adds.

    Those of `_MEANINGS` are there without being named; views name what is special to them, such
    as 409 or 412.
    """
    return dict.fromkeys(statuses, ErrorSerializer)


class ApiSchema(AutoSchema):
    """Adds to each operation the errors that it can give because of what it is."""

    def _get_response_bodies(self, direction: Any = "response") -> Any:
        bodies: dict[str, Any] = super()._get_response_bodies(direction)
        for status in self._usual_errors():
            if str(status) not in bodies:
                answer = self._get_response_for_code(  # type: ignore[no-untyped-call]
                    ErrorSerializer, str(status), ["application/json"], direction
                )
                bodies[str(status)] = answer | {"description": _MEANINGS[status]}
        return bodies

    def get_override_parameters(self) -> Any:
        """Add the header that handlers marked as idempotent heed."""
        parameters = list(super().get_override_parameters())
        return [*parameters, _IDEMPOTENCY_KEY] if self._is_idempotent() else parameters

    def _get_paginator(self) -> Any:
        # Other actions than `list` that return several things return all of them.
        if getattr(self.view, "action", "list") != "list":
            return None
        return super()._get_paginator()  # type: ignore[no-untyped-call]

    def _is_idempotent(self) -> bool:
        handler = getattr(self.view, self._action(), None)
        return getattr(handler, "is_idempotent", False)

    def _action(self) -> str:
        return getattr(self.view, "action", None) or self.method.lower()

    def _usual_errors(self) -> list[int]:
        statuses = [406, 429]
        if not self._is_public():
            statuses += [401, 403]
        if "{" in self.path:
            statuses.append(404)
        has_body = self.method in {"POST", "PUT", "PATCH"}
        if has_body:
            statuses += [400, 408, 413, 415]
        elif self._get_parameters():
            statuses.append(400)
        if self._is_idempotent():
            statuses.append(409)
        return sorted(set(statuses))

    def _is_public(self) -> bool:
        access = getattr(self.view, "access", {}).get(self._action())
        return isinstance(access, Access) and access.public
