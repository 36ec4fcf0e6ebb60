"""What can go wrong, as exceptions that carry what the server said."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import httpx


class EarmarkError(Exception):
    """Base of all errors of this package."""


class EarmarkConnectionError(EarmarkError):
    """The server cannot be reached, or the connection broke."""


class EarmarkHttpError(EarmarkError):
    """The server answered with an error.

    Attributes
    ----------
    status : int
        Of HTTP.
    code : str
        Stable name of the reason, such as ``run_cancelled``; ``http_502`` and the like where
        something else than Earmark answered.
    message : str
        For people.
    context : mapping
        Values that belong to it, such as the fields that are wrong.
    """

    def __init__(self, status: int, code: str, message: str, context: Mapping[str, Any]) -> None:
        super().__init__(f"{message} [{code}]")
        self.status = status
        self.code = code
        self.message = message
        self.context = dict(context)


class NotSignedInError(EarmarkHttpError):
    """401: there is no token, or it is not valid any more."""


class NotAllowedError(EarmarkHttpError):
    """403: the role or the token does not allow this."""


class NotFoundError(EarmarkHttpError):
    """404: there is no such thing, or it may not be seen."""


class PreconditionFailedError(EarmarkHttpError):
    """412: somebody has changed it since it was read."""


class RateLimitedError(EarmarkHttpError):
    """429: too many requests, or too many streams."""


class ServerError(EarmarkHttpError):
    """5xx: the server could not do it."""


_CLASSES: dict[int, type[EarmarkHttpError]] = {
    401: NotSignedInError,
    403: NotAllowedError,
    404: NotFoundError,
    412: PreconditionFailedError,
    429: RateLimitedError,
}


def error_of(response: httpx.Response) -> EarmarkHttpError:
    """Return the exception for an answer that has been read."""
    status = response.status_code
    kind = ServerError if status >= 500 else _CLASSES.get(status, EarmarkHttpError)
    try:
        body = response.json()
        return kind(status, str(body["code"]), str(body["message"]), body["context"])
    except (ValueError, KeyError, TypeError):
        reason = response.reason_phrase or "no reason given"
        return kind(status, f"http_{status}", f"The answer was {status}, {reason}.", {})
