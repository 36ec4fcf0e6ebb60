"""Every error of the API in one form: ``{"code", "message", "context"}``."""

from __future__ import annotations

from typing import Any

from django.core.exceptions import PermissionDenied, RequestDataTooBig
from django.http import Http404
from rest_framework import exceptions, serializers
from rest_framework.response import Response
from rest_framework.views import set_rollback

from earmark.core.errors import EarmarkError

_CODES: dict[type[exceptions.APIException], str] = {
    exceptions.ValidationError: "invalid_input",
    exceptions.ParseError: "unreadable_body",
    exceptions.PermissionDenied: "not_allowed",
    exceptions.NotFound: "not_found",
}
"""Names of ours for reasons that REST framework names otherwise."""


class ErrorSerializer(serializers.Serializer[Any]):
    """What went wrong."""

    code = serializers.CharField(help_text="Stable name of the reason, for programs.")
    message = serializers.CharField(help_text="What is wrong and what to do, for people.")
    context = serializers.DictField(  # type: ignore[assignment]
        help_text="Values that belong to it, such as the fields that are wrong."
    )


def handle_error(error: Exception, context: dict[str, Any]) -> Response | None:
    """Turn an exception into a response; None for what nobody foresaw (500)."""
    set_rollback()
    if isinstance(error, EarmarkError):
        return Response(error_body(error.code, str(error), error.context), status=error.status)
    if isinstance(error, RequestDataTooBig):
        return Response(error_body("too_large", "The request is too large."), status=413)
    if isinstance(error, Http404):
        error = exceptions.NotFound()
    elif isinstance(error, PermissionDenied):
        error = exceptions.PermissionDenied()
    if isinstance(error, exceptions.APIException):
        return _answer(error)
    return None


def error_body(
    code: str, message: str, context: dict[str, object] | None = None
) -> dict[str, object]:
    """Return the body of an error response."""
    return {"code": code, "message": message, "context": context or {}}


def _answer(error: exceptions.APIException) -> Response:
    code = _CODES.get(type(error)) or str(getattr(error.detail, "code", error.default_code))
    if isinstance(error, exceptions.ValidationError):
        fields = error.detail if isinstance(error.detail, dict) else {"body": error.detail}
        names = ", ".join(fields)
        body = error_body(code, f"The input is not valid: {names}.", dict(fields))
    else:
        body = error_body(code, str(error.detail))
    response = Response(body, status=error.status_code)
    if header := getattr(error, "auth_header", None):
        response["WWW-Authenticate"] = header
    if wait := getattr(error, "wait", None):
        response["Retry-After"] = f"{wait:.0f}"
    return response
