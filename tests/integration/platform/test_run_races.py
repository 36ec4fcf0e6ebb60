"""Threads with connections of their own change the same runs at once. Nothing is simulated."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier, Event

import pytest
from django.db import connection

from earmark.jobs.models import Job, Run
from earmark.jobs.selectors import count_jobs, list_events
from earmark.jobs.services import (
    Claim,
    ClaimedJob,
    cancel_run,
    claim_jobs,
    fail_job,
    pause_run,
    release_jobs,
    requeue_expired,
    retry_run,
)
from tests.factories import JobFactory, work_off

pytestmark = pytest.mark.django_db(transaction=True)

ROUNDS = 8


def together(*acts: Callable[[], object]) -> None:
    """Do several things at one moment, each in a thread with its own connection."""
    barrier = Barrier(len(acts))

    def do(act: Callable[[], object]) -> None:
        try:
            barrier.wait()
            act()
        finally:
            connection.close()

    with ThreadPoolExecutor(len(acts)) as threads:
        for done in [threads.submit(do, act) for act in acts]:
            done.result()


def claim(job: Job, limit: int = 9) -> list[ClaimedJob]:
    return claim_jobs(classifiers=[job.classifier], worker="w", limit=limit)


def add_job(job: Job) -> Job:
    return JobFactory(run=job.run, classifier=job.classifier, file__library=job.run.library)


def test_a_run_is_not_closed_while_failed_jobs_of_it_are_queued_again():
    for _ in range(ROUNDS):
        job = JobFactory(run__max_tries=1)
        add_job(job)
        held, lost = claim(job)
        fail_job(claim=lost.claim, code="decode_timeout", message="Slow.", retryable=True)

        together(
            lambda run=job.run: retry_run(run=run),
            lambda held=held: work_off([held]),
            requeue_expired,
        )

        job.run.refresh_from_db()
        assert job.run.state == Run.State.RUNNING
        assert job.run.finished_at is None
        assert count_jobs(run=job.run).queued == 1


def test_of_many_who_pause_or_cancel_a_run_only_one_did_it_and_is_told_so():
    run = JobFactory().run
    answers: list[bool] = []
    together(*[lambda: answers.append(pause_run(run=run))] * 4)
    assert sorted(answers) == [False, False, False, True]
    counts: list[int] = []
    together(*[lambda: counts.append(cancel_run(run=run))] * 4)
    assert sorted(counts) == [0, 0, 0, 1]
    assert [event.kind for event in list_events(run=run)] == ["paused", "cancelled"]


def test_a_job_given_back_in_the_moment_its_run_is_cancelled_does_not_stay_behind():
    for _ in range(ROUNDS):
        job = JobFactory()
        add_job(job)
        (held,) = claim(job, limit=1)

        together(
            lambda run=job.run: cancel_run(run=run),
            lambda held=held: release_jobs(claims=[held.claim], worker="w"),
            lambda job=job: claim(job),
        )
        taken = Job.objects.running().filter(run=job.run)
        release_jobs(claims=[Claim(one.pk, one.attempts) for one in taken], worker="w")
        requeue_expired()

        counts = count_jobs(run=job.run)
        assert (counts.cancelled, counts.total) == (2, 2)


def test_the_first_claim_and_the_end_of_a_run_do_not_wait_for_each_other():
    for _ in range(ROUNDS):
        job = JobFactory()
        for _ in range(3):
            add_job(job)

        together(
            lambda job=job: claim(job, limit=2),
            lambda run=job.run: cancel_run(run=run),
            lambda job=job: claim(job, limit=2),
        )

        counts = count_jobs(run=job.run)
        assert (counts.queued, counts.total) == (0, 4)


def test_who_reads_events_after_the_last_one_seen_misses_none():
    first = JobFactory()
    for _ in range(23):
        add_job(first)
    over = Event()
    seen: list[int] = []

    def read() -> None:
        last = 0
        while True:
            ended = over.is_set()
            for event in list_events(run=first.run, after=last):
                seen.append(event.pk)
                last = event.pk
            if ended:
                return

    def work() -> None:
        while held := claim(first, limit=2):
            work_off(held)

    with ThreadPoolExecutor(1) as reader:
        reading = reader.submit(_and_close, read)
        try:
            together(work, work, work)
        finally:
            over.set()
        reading.result()

    assert seen == list(list_events(run=first.run).values_list("pk", flat=True))
    assert sum(event.jobs for event in list_events(run=first.run)) == 24


def _and_close(act: Callable[[], None]) -> None:
    try:
        act()
    finally:
        connection.close()
