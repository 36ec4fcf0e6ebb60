"""Give the work of dead workers to living ones."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

import structlog
from django.conf import settings
from django.db import transaction
from django.db.models import F, Q
from django.db.models.functions import Now

from earmark.jobs.models import Job
from earmark.jobs.services.fencing import finish
from earmark.jobs.services.runs import close_finished_runs

log = structlog.get_logger(__name__)


@dataclass(frozen=True)
class SweepReport:
    """What a sweep did: numbers of jobs queued again, jobs failed, and runs closed."""

    requeued: int
    failed: int
    runs_closed: int


def requeue_expired(*, dead_workers: Collection[str] = (), blame: bool = True) -> SweepReport:
    """Queue again what dead workers hold.

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
        ids = list(jobs.values_list("pk", flat=True))
        rows = Job.objects.running().filter(pk__in=ids)
        if blame:
            rows.update(lost_leases=F("lost_leases") + 1)
        failed = finish(
            rows.filter(lost_leases__gt=worst),
            Job.State.FAILED,
            code="worker_killed",
            message="Each worker that tried this file was killed, most likely by the file itself "
            "or for want of memory. Try it alone, or leave it out.",
            retryable=True,
        )
        requeued = rows.filter(lost_leases__lte=worst).update(
            state=Job.State.QUEUED, worker="", lease_until=None, started_at=None
        )
    closed = close_finished_runs()
    if requeued or failed:
        log.warning("jobs_swept", requeued=requeued, failed=failed)
    return SweepReport(requeued, failed, closed)
