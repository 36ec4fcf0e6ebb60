"""Give the work of dead workers to living ones, and see to jobs whose time has come."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import timedelta

import structlog
from django.conf import settings
from django.db import transaction
from django.db.models import Exists, F, OuterRef, Q
from django.db.models.functions import Now

from earmark.jobs.models import Job, Run, RunEvent
from earmark.jobs.services.events import record_events
from earmark.jobs.services.fencing import finish
from earmark.jobs.services.runs import close_finished_runs

log = structlog.get_logger(__name__)

_AT_ONCE = 10_000

_LONGEST_HELD = timedelta(days=7)
"""Runs cancelled longer ago are not looked at any more."""


@dataclass(frozen=True)
class SweepReport:
    """What a sweep did: numbers of jobs queued again, jobs failed, and runs closed."""

    requeued: int
    failed: int
    runs_closed: int


def requeue_expired(*, dead_workers: Collection[str] = (), blame: bool = True) -> SweepReport:
    """Queue again what dead workers hold, and let what has waited for its next try be claimed.

    A job that has lost its worker ``EARMARK_JOB_MAX_LOST_LEASES`` times fails with
    ``worker_killed``: it is likely to be what kills them.

    Parameters
    ----------
    dead_workers : collection of str
        Workers that are known to be dead: their leases count as expired now.
    blame : bool
        Whether the loss counts against the jobs. False where a person or a restart is known to
        have ended the workers.
    """
    lost = Q(lease_until__lt=Now()) | Q(worker__in=list(dead_workers))
    worst = settings.EARMARK_JOB_MAX_LOST_LEASES - 1
    with transaction.atomic():
        jobs = Job.objects.running().filter(lost).select_for_update(skip_locked=True)
        runs = dict(jobs.values_list("pk", "run_id"))
        rows = Job.objects.running().filter(pk__in=runs)
        if blame:
            rows.update(lost_leases=F("lost_leases") + 1)
        condemned = rows.filter(lost_leases__gt=worst)
        condemned_ids = set(condemned.values_list("pk", flat=True))
        failed = finish(
            condemned,
            Job.State.FAILED,
            code="worker_killed",
            message="Each worker that tried this file was killed, most likely by the file itself "
            "or for want of memory. Try it alone, or leave it out.",
            retryable=True,
        )
        requeued = rows.filter(lost_leases__lte=worst).update(
            state=Job.State.QUEUED, worker="", lease_until=None, started_at=None
        )
        record_events(_events(runs, condemned_ids))
    wake_due_jobs()
    cancel_left_jobs()
    closed = close_finished_runs()
    if requeued or failed:
        log.warning("jobs_swept", requeued=requeued, failed=failed)
    return SweepReport(requeued, failed, closed)


def wake_due_jobs() -> int:
    """Let jobs be claimed again whose time of the next try has come; return how many."""
    with transaction.atomic():
        due = Job.objects.queued().filter(not_before__lte=Now())
        ids = list(due.select_for_update(skip_locked=True).values_list("pk", flat=True)[:_AT_ONCE])
        return Job.objects.queued().filter(pk__in=ids).update(not_before=None) if ids else 0


def cancel_left_jobs() -> int:
    """Cancel jobs that came back to a run that was cancelled meanwhile; return how many.

    Their worker held them when the run was cancelled and did not finish them.
    """
    left = Job.objects.queued()
    runs = Run.objects.filter(
        Exists(left.filter(run=OuterRef("pk"))),
        state=Run.State.CANCELLED,
        finished_at__gt=Now() - _LONGEST_HELD,
    )
    ids = list(runs.values_list("pk", flat=True))
    if not ids:
        return 0
    return finish(left.filter(run__in=ids), Job.State.CANCELLED, code="run_cancelled")


def _events(runs: Mapping[int, int], failed: Collection[int]) -> list[RunEvent]:
    """Tell each run how many of its jobs were taken from dead workers, and which have failed."""
    lost = Counter(run_id for job_id, run_id in runs.items() if job_id not in failed)
    return [
        RunEvent(run_id=run_id, kind=RunEvent.Kind.LOST, jobs=count)
        for run_id, count in lost.items()
    ] + [
        RunEvent(
            run_id=runs[job_id],
            kind=RunEvent.Kind.FAILED,
            jobs=1,
            payload={"job": job_id, "code": "worker_killed"},
        )
        for job_id in sorted(failed)
    ]
