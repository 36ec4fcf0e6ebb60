"""Versions of resources: ``ETag``, ``If-Match`` and ``If-None-Match``."""

from __future__ import annotations

import hashlib

from django.utils.http import parse_etags
from drf_spectacular.utils import OpenApiParameter
from rest_framework.request import Request

from earmark.core.errors import EarmarkError


class VersionChangedError(EarmarkError):
    """The resource is not the version any more that the client has seen."""

    code = "version_changed"
    status = 412
    hint = "Get it again, look at what changed, and send the request with the new ETag."


class VersionNeededError(EarmarkError):
    """The client does not say which version it has seen."""

    code = "version_needed"
    status = 428
    hint = "Send If-Match with the ETag of the answer you have read."


IF_MATCH = OpenApiParameter(
    "If-Match",
    str,
    OpenApiParameter.HEADER,
    description="The `ETag` of the version this is about; 412 if there is a newer one.",
)
IF_NONE_MATCH = OpenApiParameter(
    "If-None-Match",
    str,
    OpenApiParameter.HEADER,
    description="The `ETag` of the version that is known; 304 if there is no newer one.",
)


def make_etag(*parts: object) -> str:
    """Return a strong ETag of what makes a version: ids, counters, times."""
    text = "\n".join(repr(part) for part in parts)
    return f'"{hashlib.sha256(text.encode()).hexdigest()[:32]}"'


def require_match(request: Request, etag: str, *, needed: bool = False) -> None:
    """Let requests pass that are about the present version.

    Call it inside the transaction that makes the change, with the row locked: otherwise two
    clients that have both seen the present version both pass.

    Parameters
    ----------
    request : Request
    etag : str
        Of the present version.
    needed : bool
        Whether a request that does not say which version it is about is refused.

    Raises
    ------
    VersionChangedError
        If ``If-Match`` names other versions only.
    VersionNeededError
        If it is missing though it is needed.
    """
    header = request.headers.get("If-Match")
    if header is None:
        if needed:
            raise VersionNeededError("This needs the version it is about.")
        return
    known = parse_etags(header)
    if known != ["*"] and etag not in known:
        raise VersionChangedError("Somebody else has changed this.", context={"etag": etag})


def is_unchanged(request: Request, etag: str) -> bool:
    """Whether the client has this version already (``If-None-Match``): answer 304 then."""
    header = request.headers.get("If-None-Match")
    if header is None:
        return False
    known = [tag.removeprefix("W/") for tag in parse_etags(header)]
    return known == ["*"] or etag in known
