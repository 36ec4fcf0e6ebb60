"""The fence around a job: only who holds the present claim may change it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from django.db import connection
from django.db.models import Q, QuerySet
from django.db.models.functions import Now

from earmark.core.text import to_storable
from earmark.jobs.models import Job


@dataclass(frozen=True)
class Claim:
    """A hold on a job: its key and the attempt that is the fencing token."""

    job_id: int
    attempt: int


def matching(claims: Sequence[Claim]) -> Q:
    """Match the jobs of claims that still hold."""
    condition = Q(pk__in=[])
    by_attempt: dict[int, list[int]] = {}
    for claim in claims:
        by_attempt.setdefault(claim.attempt, []).append(claim.job_id)
    for attempt, ids in by_attempt.items():
        condition |= Q(attempts=attempt, pk__in=ids)
    return condition & Q(state=Job.State.RUNNING)


def lock_claimed(claims: Sequence[Claim]) -> dict[int, Job]:
    """Lock the jobs whose claims still hold, until the end of the transaction; by job id.

    Jobs come in order of their file, with what is asked about it and their run.
    """
    rows = Job.objects.select_for_update(of=("self",)).filter(matching(claims))
    told = rows.select_related("run", "file").only(
        *("state", "tries", "classifier", "file__audio_hash", "run__mode", "run__max_tries")
    )
    return {job.pk: job for job in told.order_by("file_id", "pk")}


def lock_audio(hashes: Iterable[str]) -> None:
    """Let one transaction at a time decide about a piece of audio.

    SQLite has one writer anyway. Taken before any row lock and in one order, so that nobody
    waits in a circle.
    """
    if connection.vendor != "postgresql":
        return
    with connection.cursor() as cursor:
        # One statement, and still one after the other: a set of rows is gone through in its order.
        cursor.execute(
            "SELECT pg_advisory_xact_lock(hashtextextended(audio, 0)) "
            "FROM unnest(%s::text[]) AS audio",
            [sorted(set(hashes))],
        )


def finish(
    jobs: QuerySet[Job],
    state: Job.State,
    *,
    code: str = "",
    message: str = "",
    retryable: bool = False,
) -> int:
    """Bring jobs to an end and return how many."""
    return jobs.update(
        state=state,
        reason_code=code,
        reason_message=to_storable(message),
        retryable=retryable,
        worker="",
        lease_until=None,
        not_before=None,
        waits_for=None,
        finished_at=Now(),
    )


def finish_reused(jobs: QuerySet[Job], source: Job | None) -> int:
    """Let jobs succeed with the result another job has found for equal audio."""
    count = jobs.update(reused_from=source)
    finish(jobs, Job.State.SUCCEEDED, code="reused")
    return count
