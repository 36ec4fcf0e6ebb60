"""Take jobs, hold them, give them back."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

from django.conf import settings
from django.db import connection, transaction
from django.db.models import OuterRef, Subquery
from django.db.models.expressions import Combinable
from django.db.models.functions import Now

from earmark.classifiers.models import ClassifierVersion
from earmark.jobs.models import Job, Run, RunEvent
from earmark.jobs.services.events import record_events
from earmark.jobs.services.fencing import Claim, matching

# One statement: between looking and taking nobody can step in. Jobs that lost a worker before
# come last and one by one: a file that kills its worker, even on another machine whose other
# processes are not known here, delays only itself and is held with few others, or good files would
# be blamed with it. What else the run wants of the chosen files comes with them, so that a file is
# decoded once; what another claimer has locked in this instant is left to it, on both levels:
# claimers never wait for each other. Nothing due comes before the head: who goes through jobs by
# their numbers begins there, and not at the many that are done.
_FREE = """
    job.state = 'queued' AND job.not_before IS NULL
    AND (job.waits_for_id IS NULL OR NOT EXISTS (
        SELECT 1 FROM jobs_job leader
        WHERE leader.id = job.waits_for_id AND leader.state = 'running'
          AND leader.lease_until > {now}))
"""
_CLAIM = """
    WITH chosen AS {once} (
        SELECT job.id, job.run_id, job.file_id FROM jobs_job job
        WHERE job.run_id = %(run)s AND job.classifier_id = %(lead)s AND {free}
          AND EXISTS (SELECT 1 FROM jobs_run run
                      WHERE run.id = %(run)s AND run.paused_at IS NULL
                        AND run.state IN ('queued', 'running'))
          AND job.lost_leases = %(lost)s AND job.id >= %(head)s
        ORDER BY job.id
        LIMIT %(limit)s {lock}
    ){siblings}
    UPDATE jobs_job
    SET state = 'running', worker = %(worker)s, attempts = attempts + 1, waits_for_id = NULL,
        started_at = {now}, lease_until = {lease_end}
    WHERE state = 'queued' AND id IN ({taken})
    RETURNING id, file_id
"""
_SIBLINGS = """, siblings AS {once} (
        SELECT job.id FROM jobs_job job
        JOIN chosen ON job.run_id = chosen.run_id AND job.file_id = chosen.file_id
        WHERE job.classifier_id {hosted} AND {free} {lock}
    )"""
_CHOSEN = "SELECT id FROM chosen"
_BOTH = "SELECT id FROM chosen UNION SELECT id FROM siblings"


@dataclass(frozen=True)
class _Statements:
    """How jobs are claimed for one classifier, and for several."""

    one: str
    several: str


def _statements(*, now: str, **parts: str) -> _Statements:
    parts |= {"now": now, "free": _FREE.format(now=now)}
    return _Statements(
        one=_CLAIM.format(siblings="", taken=_CHOSEN, **parts),
        several=_CLAIM.format(siblings=_SIBLINGS.format(**parts), taken=_BOTH, **parts),
    )


_STATEMENTS = {
    "postgresql": _statements(
        now="statement_timestamp()",
        lease_end="statement_timestamp() + make_interval(secs => %(lease)s)",
        hosted="= ANY(%(hosted)s)",
        # Evaluated exactly once, whatever the planner would think better.
        once="MATERIALIZED",
        lock="FOR UPDATE OF job SKIP LOCKED",
    ),
    "sqlite": _statements(
        now="strftime('%%Y-%%m-%%d %%H:%%M:%%f', 'now')",
        lease_end="strftime('%%Y-%%m-%%d %%H:%%M:%%f', 'now', %(lease)s || ' seconds')",
        hosted="IN (SELECT value FROM json_each(%(hosted)s))",
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

    Never gives one job to two workers. Runs of higher priority come first, older ones before
    younger ones; paused ones are left alone, and so are jobs that wait for their next try. Jobs of
    one file and run stand next to each other; see `by_file`.

    Parameters
    ----------
    classifiers : sequence of ClassifierVersion
        Those the worker hosts; jobs of others are left to other workers.
    worker : str
        Who takes them: unique among the workers of all machines, and told apart from an earlier
        process with the same number.
    limit : int
        Of how many files to take jobs at most; one that lost a worker before comes alone.
    run : Run, optional
        Take only jobs of this run; by default those of all runs that no process has to itself.
    lease : timedelta, optional
        How long they are held without renewal; by default ``EARMARK_JOB_LEASE_SECONDS``.

    Returns
    -------
    list of ClaimedJob
        In the order in which they should be done; empty if there is nothing to do.
    """
    files: set[tuple[int, int]] = set()
    ids: list[int] = []
    with transaction.atomic():
        for head in _by_urgency(classifiers, run):
            if head.lost_leases:
                if files:
                    break
                limit = 1
            rows = _claim(head, classifiers, worker, limit - len(files), _lease(lease))
            ids += [job_id for job_id, _ in rows]
            files |= {(head.run_id, file_id) for _, file_id in rows}
            if len(files) >= limit:
                break
        jobs = Job.objects.filter(pk__in=ids).select_related("file__library", "run")
        claimed = _in_order(jobs)
        _start_runs({job.run_id for job in claimed})
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


def _start_runs(run_ids: Collection[int]) -> None:
    """Mark runs as begun whose first job was claimed; each is told once, by who changed it."""
    queued = Run.objects.filter(pk__in=run_ids, state=Run.State.QUEUED)
    begun = [
        pk
        for pk in queued.order_by("pk").values_list("pk", flat=True)
        if queued.filter(pk=pk).update(state=Run.State.RUNNING, started_at=Now())
    ]
    record_events(RunEvent(run_id=pk, kind=RunEvent.Kind.STARTED) for pk in begun)


def _by_urgency(classifiers: Sequence[ClassifierVersion], run: Run | None) -> list[Job]:
    """Return the next job of each run and classifier, the most urgent first.

    Each is one look into an index.
    """
    runs = Run.objects.open().unpaused()
    runs = runs.exclude(options__has_key=Run.OWNER) if run is None else runs.filter(pk=run.pk)
    heads = {f"head_{one.pk}": _head_of(one) for one in classifiers}
    ids = {pk for row in runs.annotate(**heads).values_list(*heads) for pk in row if pk}
    jobs = Job.objects.filter(pk__in=ids).select_related("run")
    return sorted(jobs, key=_urgency)


def _head_of(classifier: ClassifierVersion) -> Subquery:
    jobs = Job.objects.due().filter(run=OuterRef("pk"), classifier=classifier)
    return Subquery(jobs.order_by("lost_leases", "pk").values("pk")[:1])


def _urgency(job: Job) -> tuple[int, int, int]:
    return job.lost_leases, -job.run.priority, job.pk


def _claim(
    head: Job,
    classifiers: Sequence[ClassifierVersion],
    worker: str,
    limit: int,
    lease: timedelta,
) -> list[tuple[int, int]]:
    """Take jobs like `head` and their siblings; return the ids of jobs and files."""
    hosted = [classifier.pk for classifier in classifiers]
    values = {
        "lead": head.classifier_id,
        "hosted": hosted if connection.vendor == "postgresql" else json.dumps(hosted),
        "run": head.run_id,
        "head": head.pk,
        "lost": head.lost_leases,
        "limit": limit,
        "worker": worker,
        "lease": lease.total_seconds(),
    }
    statements = _STATEMENTS[connection.vendor]
    with connection.cursor() as cursor:
        cursor.execute(statements.several if len(hosted) > 1 else statements.one, values)
        return [(int(job_id), int(file_id)) for job_id, file_id in cursor.fetchall()]


def _in_order(claimed: Iterable[Job]) -> list[ClaimedJob]:
    """Put the file with the most urgent job first, and its other jobs beside that one."""
    jobs = sorted(claimed, key=_urgency)
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
