"""Tell those who watch a run what has happened to it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from datetime import timedelta

from django.conf import settings
from django.db import connection
from django.db.models.functions import Now

from earmark.jobs.models import Job, RunEvent

_LOCKS = 0x52554E45
"""Number space of our advisory locks, apart from others': "RUNE" in ASCII."""


def record_events(events: Iterable[RunEvent]) -> None:
    """Store events, as the last thing a transaction does.

    On PostgreSQL ids are given before rows become visible, so two transactions could show theirs
    in the wrong order, and whoever reads "after id 7" would miss a 6 that comes late. Therefore
    those of one run wait for each other from here to their commit. Nothing that others may hold
    is taken after that, so nobody waits in a circle. SQLite has one writer anyway.
    """
    rows = sorted(events, key=lambda event: event.run_id)
    if not rows:
        return
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            for run_id in sorted({row.run_id for row in rows}):
                cursor.execute("SELECT pg_advisory_xact_lock(%s, %s)", [_LOCKS, run_id % 2**31])
    RunEvent.objects.bulk_create(rows)


def reused_events(jobs: Iterable[Job]) -> list[RunEvent]:
    """Tell each run how many of its jobs took the result of equal audio."""
    counts = Counter(job.run_id for job in jobs)
    return [
        RunEvent(run_id=run_id, kind=RunEvent.Kind.REUSED, jobs=count)
        for run_id, count in counts.items()
    ]


def prune_events() -> int:
    """Remove events older than ``EARMARK_EVENT_KEEP_DAYS`` and return how many; 0 keeps all."""
    days = settings.EARMARK_EVENT_KEEP_DAYS
    if not days:
        return 0
    return RunEvent.objects.filter(created_at__lt=Now() - timedelta(days=days)).delete()[0]
