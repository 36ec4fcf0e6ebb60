"""What `jobs doctor` and Prometheus are told about the queue of writes."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import timedelta

from django.conf import settings
from django.db.models import Case, CharField, Count, Min, QuerySet, Sum, Value, When
from django.db.models.functions import Now
from django.utils import timezone
from prometheus_client import Metric
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector

from earmark.jobs.diagnosis import Finding, how_to_start
from earmark.jobs.selectors import list_workers
from earmark.library.models import Library
from earmark.settings.queues import WRITE
from earmark.writeback.models import TagWrite, WriteRequest

_LONG = timedelta(minutes=10)
"""Writes that wait longer although there are writers are told about."""


class WriteCollector(Collector):
    """Reads everything anew each time it is asked."""

    def describe(self) -> list[Metric]:
        """Say nothing: to name the metrics when Django starts would need the database."""
        return []

    def collect(self) -> Iterator[Metric]:
        """Yield all metrics."""
        depth = GaugeMetricFamily(
            "earmark_writes", "Files whose tags are to be written, by state.", labels=["state"]
        )
        for state, count in _count_by_state(WriteRequest.objects.all()).items():
            depth.add_metric([state], count)
        yield depth
        yield GaugeMetricFamily(
            "earmark_oldest_write_seconds",
            "Age of the oldest write that waits for a worker; 0 if none does.",
            value=_oldest_wait(WriteRequest.objects.all()).total_seconds(),
        )


def look_at_writes(libraries: Iterable[Library]) -> Iterator[Finding]:
    """Find out why tags are not being written into files."""
    requests = WriteRequest.objects.filter(library__in=libraries)
    counts = _count_by_state(requests)
    served = any(WRITE in worker.queues for worker in list_workers())
    if counts.get("queued") and not served and settings.EARMARK_BROKER_URL:
        yield Finding(
            "no_worker",
            f"No worker takes from the queue {WRITE}, where {counts['queued']:,} files wait.",
            how_to_start(WRITE),
        )
    elif counts.get("queued") and _oldest_wait(requests) > _LONG:
        yield from _explain_long_wait(requests, counts["queued"])
    overdue = requests.filter(lease_until__lt=Now()).count()
    if overdue:
        yield Finding(
            "lease_expired",
            f"{overdue:,} writes are held by workers whose lease has ended, and nobody has queued "
            "them again.",
            "The clock does that every few seconds: see that it runs.",
        )
    if set(counts) == {"delayed"}:
        yield _explain_delay(requests, counts["delayed"])


def _explain_long_wait(requests: QuerySet[WriteRequest], waiting: int) -> Iterator[Finding]:
    running = requests.filter(state=WriteRequest.State.RUNNING)
    workers = running.values("library", "worker").annotate(most=Min("slots"))
    slots = workers.aggregate(all=Sum("most"))["all"] or 0
    if slots >= settings.EARMARK_WRITES_PER_VOLUME:
        yield Finding(
            "volume_busy",
            f"{waiting:,} writes wait while {slots} files are being written, which is as many as "
            "one volume gets at once.",
            "Wait, or raise EARMARK_WRITES_PER_VOLUME if the volume can bear more.",
        )


def _explain_delay(requests: QuerySet[WriteRequest], count: int) -> Finding:
    last = TagWrite.objects.filter(
        file__write_request__in=requests, state=TagWrite.State.FAILED
    ).first()
    reason = f": {last.error_message}" if last is not None else "."
    return Finding(
        "waits_for_next_try",
        f"All {count:,} writes that are left have failed and are tried again{reason}",
        "Wait, and see that the reason has passed by then.",
    )


def _count_by_state(requests: QuerySet[WriteRequest]) -> dict[str, int]:
    """Count by ``queued``, ``running`` and ``delayed`` (waits for its next try)."""
    state = Case(
        When(state=WriteRequest.State.RUNNING, then=Value("running")),
        When(due_at__gt=Now(), then=Value("delayed")),
        default=Value("queued"),
        output_field=CharField(),
    )
    rows = requests.annotate(how=state).order_by().values_list("how")
    return dict(rows.annotate(Count("pk")))


def _oldest_wait(requests: QuerySet[WriteRequest]) -> timedelta:
    due = requests.filter(state=WriteRequest.State.QUEUED, due_at__lte=Now())
    oldest = due.aggregate(oldest=Min("due_at"))["oldest"]
    return timezone.now() - oldest if oldest is not None else timedelta()
