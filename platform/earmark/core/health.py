"""Whether this process is alive, and whether the installation can do its work.

``/healthz`` answers as long as the process does: whoever sees it fail should start the process
anew. ``/readyz`` looks at what the process needs: whoever sees it fail should send no requests
until it is well again.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

import structlog
from django.conf import settings
from django.db import Error, connection
from django.http import HttpRequest, JsonResponse
from django.views.decorators.http import require_safe

from earmark.core.database import list_missing_migrations

log = structlog.get_logger(__name__)

BROKER_TIMEOUT_S = 2.0


@require_safe
def healthz(request: HttpRequest) -> JsonResponse:
    """Say that the process answers."""
    return JsonResponse({"status": "ok"})


@require_safe
def readyz(request: HttpRequest) -> JsonResponse:
    """Say whether everything needed is there; status 503 if not, naming what is not.

    Reasons are for the log: whoever asks here need not be one who may know them.
    """
    problems = {name: check() for name, check in CHECKS.items()}
    for name, problem in problems.items():
        if problem:
            log.warning("not_ready", part=name, reason=problem)
    parts = {name: "failed" if problem else "ok" for name, problem in problems.items()}
    ready = not any(problems.values())
    body = {"status": "ok" if ready else "failed", "parts": parts}
    return JsonResponse(body, status=200 if ready else 503)


def check_database() -> str:
    """Return why the database cannot be used; empty if it can."""
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")
    except Error as error:
        return str(error).strip()
    return ""


def check_migrations() -> str:
    """Return which migrations are missing; empty if none is."""
    try:
        missing = list_missing_migrations()
    except Error as error:
        return str(error).strip()
    return f"missing: {', '.join(missing)}" if missing else ""


def check_broker() -> str:
    """Return why the broker cannot be reached; empty if it can, or if there is none."""
    if not settings.EARMARK_BROKER_URL:
        return ""
    # Not before: without a broker no process needs Celery at all.
    from kombu.exceptions import OperationalError

    from earmark.celery import app

    broker = app.connection_for_write(connect_timeout=BROKER_TIMEOUT_S)
    try:
        with broker:
            broker.ensure_connection(max_retries=1, timeout=BROKER_TIMEOUT_S)
    except (OSError, OperationalError) as error:
        return str(error) or type(error).__name__
    return ""


CHECKS: Mapping[str, Callable[[], str]] = {
    "database": check_database,
    "migrations": check_migrations,
    "broker": check_broker,
}
"""What must be well for the web process to be ready, by name."""
