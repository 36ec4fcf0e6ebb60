"""Take jobs, hold them, give them back."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
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
# come last, so that a file that kills its worker delays only itself. What else the run wants of
# the chosen files comes with them, so that a file is decoded once; what another claimer has
# locked in this instant is left to it, on both levels: claimers never wait for each other.
_FREE = """
    job.state = 'queued' AND (job.waits_for_id IS NULL OR NOT EXISTS (
        SELECT 1 FROM jobs_job leader
        WHERE leader.id = job.waits_for_id AND leader.state = 'running'
          AND leader.lease_until > {now}))
"""
_CLAIM = """
    WITH chosen AS {once} (
        SELECT job.id, job.run_id, job.file_id FROM jobs_job job
        WHERE job.classifier_id = %(lead)s AND (%(run)s {nullable} IS NULL OR job.run_id = %(run)s)
          AND {free}
        ORDER BY job.lost_leases, job.priority DESC, job.id
        LIMIT %(limit)s {lock}
    ), siblings AS {once} (
        SELECT job.id FROM jobs_job job
        JOIN chosen ON job.run_id = chosen.run_id AND job.file_id = chosen.file_id
        WHERE job.classifier_id {hosted} AND {free} {lock}
    )
    UPDATE jobs_job
    SET state = 'running', worker = %(worker)s, attempts = attempts + 1, waits_for_id = NULL,
        started_at = {now}, lease_until = {lease_end}
    WHERE state = 'queued' AND id IN (SELECT id FROM chosen UNION SELECT id FROM siblings)
    RETURNING id, file_id
"""


def _statement(*, now: str, **parts: str) -> str:
    return _CLAIM.format(now=now, free=_FREE.format(now=now), **parts)


_STATEMENTS = {
    "postgresql": _statement(
        now="statement_timestamp()",
        lease_end="statement_timestamp() + make_interval(secs => %(lease)s)",
        hosted="= ANY(%(hosted)s)",
        nullable="::bigint",
        # Evaluated exactly once, whatever the planner would think better.
        once="MATERIALIZED",
        lock="FOR UPDATE OF job SKIP LOCKED",
    ),
    "sqlite": _statement(
        now="strftime('%%Y-%%m-%%d %%H:%%M:%%f', 'now')",
        lease_end="strftime('%%Y-%%m-%%d %%H:%%M:%%f', 'now', %(lease)s || ' seconds')",
        hosted="IN (SELECT value FROM json_each(%(hosted)s))",
        nullable="",
        once="",
        lock="",
    ),
}


@dataclass(frozen=True)
class ClaimedJob:
    """A job that was claimed, with what a worker needs to do it.

    Attributes
    ----------
    job_id, attempt : int
        Key and fencing token; together a `Claim`.
    run_id, file_id, library_id, classifier_id : int
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
    classifier_id: int
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
    classifiers: Sequence[ClassifierVersion],
    worker: str,
    limit: int,
    run: Run | None = None,
    lease: timedelta | None = None,
) -> list[ClaimedJob]:
    """Take queued jobs: all that a run wants of a file from these classifiers, together.

    Never gives one job to two workers. Jobs of higher priority come first, older ones before
    younger ones. Jobs of one file and run stand next to each other; see `by_file`.

    Parameters
    ----------
    classifiers : sequence of ClassifierVersion
        Those the worker hosts; jobs of others are left to other workers.
    worker : str
        Who takes them: unique among the workers of all machines, and told apart from an earlier
        process with the same number.
    limit : int
        Of how many files to take jobs at most.
    run : Run, optional
        Take only jobs of this run.
    lease : timedelta, optional
        How long they are held without renewal; by default ``EARMARK_JOB_LEASE_SECONDS``.

    Returns
    -------
    list of ClaimedJob
        In the order in which they should be done; empty if there is nothing to do.
    """
    files: set[int] = set()
    ids: list[int] = []
    with transaction.atomic():
        for lead in _by_urgency(classifiers, run):
            rows = _claim(lead, classifiers, worker, limit - len(files), run, _lease(lease))
            ids += [job_id for job_id, _ in rows]
            files |= {file_id for _, file_id in rows}
            if len(files) >= limit:
                break
        jobs = Job.objects.filter(pk__in=ids).select_related("file__library", "run")
        claimed = _in_order(jobs)
        runs = {job.run_id for job in claimed}
        Run.objects.filter(pk__in=runs, state=Run.State.QUEUED).update(
            state=Run.State.RUNNING, started_at=Now()
        )
    return claimed


def by_file(jobs: Iterable[ClaimedJob]) -> list[list[ClaimedJob]]:
    """Group claimed jobs by run and file, in the order of each group's first job."""
    groups: dict[tuple[int, int], list[ClaimedJob]] = {}
    for job in jobs:
        groups.setdefault((job.run_id, job.file_id), []).append(job)
    return list(groups.values())


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


def _by_urgency(
    classifiers: Sequence[ClassifierVersion], run: Run | None
) -> list[ClassifierVersion]:
    """Put first the classifier whose next job is due first; each is one look into an index."""
    if len(classifiers) == 1:
        return list(classifiers)
    heads: list[tuple[tuple[int, int, int], ClassifierVersion]] = []
    for classifier in classifiers:
        jobs = Job.objects.queued().filter(classifier=classifier)
        if run is not None:
            jobs = jobs.filter(run=run)
        head = jobs.order_by("lost_leases", "-priority", "pk").first()
        if head is not None:
            heads.append(((head.lost_leases, -head.priority, head.pk), classifier))
    return [classifier for _, classifier in sorted(heads, key=lambda pair: pair[0])]


def _claim(
    lead: ClassifierVersion,
    classifiers: Sequence[ClassifierVersion],
    worker: str,
    limit: int,
    run: Run | None,
    lease: timedelta,
) -> list[tuple[int, int]]:
    """Take jobs of `lead` and their siblings; return the ids of jobs and files."""
    hosted = [classifier.pk for classifier in classifiers]
    values = {
        "lead": lead.pk,
        "hosted": hosted if connection.vendor == "postgresql" else json.dumps(hosted),
        "run": run.pk if run else None,
        "limit": limit,
        "worker": worker,
        "lease": lease.total_seconds(),
    }
    with connection.cursor() as cursor:
        cursor.execute(_STATEMENTS[connection.vendor], values)
        return [(int(job_id), int(file_id)) for job_id, file_id in cursor.fetchall()]


def _in_order(claimed: Iterable[Job]) -> list[ClaimedJob]:
    """Put the file with the most urgent job first, and its other jobs beside that one."""
    jobs = sorted(claimed, key=lambda job: (job.lost_leases, -job.priority, job.pk))
    return [job for group in by_file(map(_describe, jobs)) for job in group]


def _describe(job: Job) -> ClaimedJob:
    return ClaimedJob(
        job_id=job.pk,
        attempt=job.attempts,
        run_id=job.run_id,
        file_id=job.file_id,
        library_id=job.file.library_id,
        classifier_id=job.classifier_id,
        location=job.file.location,
        path=job.file.path,
        size=job.file.size,
        mtime_ns=job.file.mtime_ns,
        audio_hash=job.file.audio_hash,
        force=job.run.mode == Run.Mode.FORCE,
        lost_leases=job.lost_leases,
    )
