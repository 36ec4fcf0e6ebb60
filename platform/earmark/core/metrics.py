"""The page ``/metrics`` for Prometheus.

Values are read from the database when the page is asked for, so that every web process shows the
same, whichever workers there are. Apps add theirs to `REGISTRY` when Django starts.
"""

from __future__ import annotations

import secrets

from django.conf import settings
from django.http import HttpRequest, HttpResponse, HttpResponseNotFound
from django.views.decorators.http import require_safe
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4

REGISTRY = CollectorRegistry()

_THIS_MACHINE = frozenset({"127.0.0.1", "::1"})


@require_safe
def metrics(request: HttpRequest) -> HttpResponse:
    """Show all values; 404 to whom they are none of their business."""
    if not _may_read(request):
        return HttpResponseNotFound()
    return HttpResponse(generate_latest(REGISTRY), content_type=CONTENT_TYPE_PLAIN_0_0_4)


def _may_read(request: HttpRequest) -> bool:
    token = settings.EARMARK_METRICS_TOKEN
    if token == "off":  # noqa: S105 - a word, no secret
        return False
    if token:
        scheme, _, given = request.headers.get("Authorization", "").partition(" ")
        return scheme == "Bearer" and secrets.compare_digest(given.encode(), token.encode())
    # A proxy on this machine asks for others, who are not.
    forwarded = "X-Forwarded-For" in request.headers or "Forwarded" in request.headers
    return not forwarded and request.META.get("REMOTE_ADDR") in _THIS_MACHINE
