"""Questions about webhooks and their deliveries."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from django.db.models import Exists, OuterRef, Q, QuerySet
from django.db.models.functions import Now

from earmark.jobs.models import RunEvent
from earmark.jobs.selectors import count_jobs
from earmark.library.access import Asker, Role, visible_libraries
from earmark.library.models import Scan
from earmark.webhooks.models import TEST_EVENT, Delivery, Event, Webhook

OVERLAP = timedelta(hours=1)
"""What happened before the last look may have become visible only after it, at the end of a long
transaction; so far back every look looks again."""

MOST_AT_ONCE = 500

_RUN_EVENTS = {
    Event.RUN_SUBMITTED: RunEvent.Kind.SUBMITTED,
    Event.RUN_PAUSED: RunEvent.Kind.PAUSED,
    Event.RUN_RESUMED: RunEvent.Kind.RESUMED,
    Event.RUN_CANCELLED: RunEvent.Kind.CANCELLED,
    Event.RUN_FINISHED: RunEvent.Kind.FINISHED,
}
_SCAN_EVENTS = {
    Event.SCAN_SUCCEEDED: Scan.State.SUCCEEDED,
    Event.SCAN_FAILED: Scan.State.FAILED,
}


@dataclass(frozen=True)
class Occurrence:
    """Something that a webhook is to be told of.

    Attributes
    ----------
    event : str
    source : int
        The id of the row that says it.
    values : dict
        What the message says about it.
    """

    event: str
    source: int
    values: dict[str, Any]


def list_webhooks(*, user: Asker) -> QuerySet[Webhook]:
    """Return the webhooks that somebody manages: those of their libraries."""
    webhooks = Webhook.objects.select_related("library", "created_by")
    if user.is_superuser:
        return webhooks
    return webhooks.filter(library__in=visible_libraries(user, role=Role.MANAGER))


def list_due_deliveries() -> QuerySet[Delivery]:
    """Return what is to be sent now, longest due first."""
    due = Delivery.objects.filter(state=Delivery.State.QUEUED, next_try_at__lte=Now())
    wanted = Q(webhook__active=True) | Q(event=TEST_EVENT)
    return due.filter(wanted).select_related("webhook").order_by("next_try_at")


def list_occurrences(*, webhook: Webhook) -> Iterator[Occurrence]:
    """Yield what has happened since the last look and the webhook has not been told of."""
    kinds = {kind: event for event, kind in _RUN_EVENTS.items() if event in webhook.events}
    states = {state: event for event, state in _SCAN_EVENTS.items() if event in webhook.events}
    if kinds:
        rows = RunEvent.objects.filter(kind__in=kinds).select_related("run__library")
        for row in _untold(rows, webhook, "run.", "created_at", "run__library"):
            yield Occurrence(kinds[RunEvent.Kind(row.kind)], row.pk, _run_values(row))
    if states:
        scans = Scan.objects.filter(state__in=states).select_related("library")
        for scan in _untold(scans, webhook, "scan.", "finished_at", "library"):
            yield Occurrence(states[Scan.State(scan.state)], scan.pk, _scan_values(scan))


def _untold(rows: Any, webhook: Webhook, prefix: str, moment: str, library: str) -> Any:
    told = Delivery.objects.filter(webhook=webhook, event__startswith=prefix, source=OuterRef("pk"))
    since = Q(
        **{
            f"{moment}__gt": webhook.seen_until - OVERLAP,
            f"{moment}__gte": webhook.told_from,
        }
    )
    where = Q() if webhook.library_id is None else Q(**{library: webhook.library_id})
    return rows.filter(since, where, ~Exists(told)).order_by("pk")[:MOST_AT_ONCE]


def _run_values(event: RunEvent) -> dict[str, Any]:
    run = event.run
    return {
        "happened_at": event.created_at.isoformat(),
        "library": {"id": run.library.pk, "name": run.library.name},
        "run": {
            "id": run.pk,
            "state": run.standing,
            "jobs": vars(count_jobs(run=run)),
            "url": f"/api/v1/runs/{run.pk}",
        },
    }


def _scan_values(scan: Scan) -> dict[str, Any]:
    assert scan.finished_at is not None
    counts = ("found", "added", "changed", "returned", "vanished", "unchanged", "excluded")
    return {
        "happened_at": scan.finished_at.isoformat(),
        "library": {"id": scan.library.pk, "name": scan.library.name},
        "scan": {
            "id": scan.pk,
            "state": scan.state,
            "error_code": scan.error_code,
            "files": {name: getattr(scan, name) for name in counts},
        },
    }
