"""Take jobs, hold them, give them back."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

from django.conf import settings
from django.db import connection, transaction
from django.db.models.expressions import Combinable
from django.db.models.functions import Now

from earmark.classifiers.models import ClassifierVersion
from earmark.jobs.models import Job, Run
from earmark.jobs.services.fencing import Claim, matching

# One statement: between looking and taking nobody can step in. Jobs that lost a worker before
# come last, so that a file that kills its worker delays only itself. The array makes PostgreSQL
# evaluate the choice exactly once; SKIP LOCKED lets claimers pass by each other.
_CHOICE = """
    SELECT job.id FROM jobs_job job
    WHERE job.state = 'queued' AND job.classifier_id = %(classifier)s
      AND (%(run)s IS NULL OR job.run_id = %(run)s)
      AND (job.waits_for_id IS NULL OR NOT EXISTS (
            SELECT 1 FROM jobs_job leader
            WHERE leader.id = job.waits_for_id AND leader.state = 'running'
              AND leader.lease_until > {now}))
    ORDER BY job.lost_leases, job.priority DESC, job.id
    LIMIT %(limit)s
"""
_CLAIM = """
    UPDATE jobs_job
    SET state = 'running', worker = %(worker)s, attempts = attempts + 1, waits_for_id = NULL,
        started_at = {now}, lease_until = {lease_end}
    WHERE state = 'queued' AND id {in_choice}
    RETURNING id
"""


def _statement(*, now: str, lease_end: str, in_choice: str) -> str:
    choice = _CHOICE.format(now=now)
    return _CLAIM.format(now=now, lease_end=lease_end, in_choice=in_choice.format(choice=choice))


_STATEMENTS = {
    "postgresql": _statement(
        now="statement_timestamp()",
        lease_end="statement_timestamp() + make_interval(secs => %(lease)s)",
        in_choice="= ANY(ARRAY({choice} FOR UPDATE OF job SKIP LOCKED))",
    ).replace("%(run)s IS NULL", "%(run)s::bigint IS NULL"),
    "sqlite": _statement(
        now="strftime('%%Y-%%m-%%d %%H:%%M:%%f', 'now')",
        lease_end="strftime('%%Y-%%m-%%d %%H:%%M:%%f', 'now', %(lease)s || ' seconds')",
        in_choice="IN ({choice})",
    ),
}


@dataclass(frozen=True)
class ClaimedJob:
    """A job that was claimed, with what a worker needs to do it.

    Attributes
    ----------
    job_id, attempt : int
        Key and fencing token; together a `Claim`.
    run_id, file_id, library_id : int
    location : Path
        Where the file is.
    path : str
        The same, relative to the library, in text form.
    size, mtime_ns : int
        Of the file when it was last scanned.
    audio_hash : str
        Its audio identity, if that is known already; else "".
    force : bool
        Whether to classify although there may be a result.
    lost_leases : int
        How many workers died holding this job. A careful worker does such a job alone.
    """

    job_id: int
    attempt: int
    run_id: int
    file_id: int
    library_id: int
    location: Path
    path: str
    size: int
    mtime_ns: int
    audio_hash: str
    force: bool
    lost_leases: int

    @property
    def claim(self) -> Claim:
        """The hold alone."""
        return Claim(self.job_id, self.attempt)


def claim_jobs(
    *,
    classifier: ClassifierVersion,
    worker: str,
    limit: int,
    run: Run | None = None,
    lease: timedelta | None = None,
) -> list[ClaimedJob]:
    """Take queued jobs of one classifier.

    Never gives one job to two workers. Jobs of higher priority come first, older ones before
    younger ones.

    Parameters
    ----------
    classifier : ClassifierVersion
    worker : str
        Who takes them: unique among the workers of all machines, and told apart from an earlier
        process with the same number.
    limit : int
        How many to take at most.
    run : Run, optional
        Take only jobs of this run.
    lease : timedelta, optional
        How long they are held without renewal; by default ``EARMARK_JOB_LEASE_SECONDS``.

    Returns
    -------
    list of ClaimedJob
        In the order in which they should be done; empty if there is nothing to do.
    """
    values = {
        "classifier": classifier.pk,
        "run": run.pk if run else None,
        "limit": limit,
        "worker": worker,
        "lease": _lease(lease).total_seconds(),
    }
    with transaction.atomic():
        with connection.cursor() as cursor:
            cursor.execute(_STATEMENTS[connection.vendor], values)
            ids = [row[0] for row in cursor.fetchall()]
        jobs = Job.objects.filter(pk__in=ids).select_related("file__library", "run")
        claimed = list(jobs.order_by("lost_leases", "-priority", "pk"))
        runs = {job.run_id for job in claimed}
        Run.objects.filter(pk__in=runs, state=Run.State.QUEUED).update(
            state=Run.State.RUNNING, started_at=Now()
        )
    return [_describe(job) for job in claimed]


def renew_leases(
    *, claims: Sequence[Claim], worker: str, lease: timedelta | None = None
) -> list[Claim]:
    """Hold jobs for longer; return the claims that were lost meanwhile.

    A worker should drop the work on a lost claim: its result would be refused.
    """
    if not claims:
        return []
    held = Job.objects.filter(matching(claims), worker=worker)
    held.update(lease_until=lease_end(_lease(lease)))
    kept = set(held.values_list("pk", "attempts"))
    return [claim for claim in claims if (claim.job_id, claim.attempt) not in kept]


def release_jobs(*, claims: Sequence[Claim], worker: str) -> int:
    """Give jobs back that were not done, for example at shutdown; return how many.

    That the worker gave them back is not held against them.
    """
    if not claims:
        return 0
    held = Job.objects.filter(matching(claims), worker=worker)
    return held.update(state=Job.State.QUEUED, worker="", lease_until=None, started_at=None)


def lease_end(lease: timedelta) -> Combinable:
    """Return the end of a lease that starts now, by the database's clock."""
    return Now() + lease


def _lease(lease: timedelta | None) -> timedelta:
    return lease or timedelta(seconds=settings.EARMARK_JOB_LEASE_SECONDS)


def _describe(job: Job) -> ClaimedJob:
    return ClaimedJob(
        job_id=job.pk,
        attempt=job.attempts,
        run_id=job.run_id,
        file_id=job.file_id,
        library_id=job.file.library_id,
        location=job.file.location,
        path=job.file.path,
        size=job.file.size,
        mtime_ns=job.file.mtime_ns,
        audio_hash=job.file.audio_hash,
        force=job.run.mode == Run.Mode.FORCE,
        lost_leases=job.lost_leases,
    )
