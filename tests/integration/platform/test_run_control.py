"""Runs are submitted, paused, resumed, cancelled and tried again, and tell about it."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone

from earmark.jobs.errors import RunCancelledError, RunUnknownError, SelectionError
from earmark.jobs.models import Job, Run, RunEvent
from earmark.jobs.selection import Selection
from earmark.jobs.selectors import RunCounts, count_jobs, count_library, get_run, list_events
from earmark.jobs.services import (
    ClaimedJob,
    abort_run,
    cancel_run,
    claim_jobs,
    fail_job,
    pause_run,
    preview_run,
    prune_events,
    release_jobs,
    requeue_expired,
    resume_run,
    retry_run,
    submit_run,
)
from earmark.tagging.models import Tag
from tests.factories import (
    AudioFileFactory,
    ClassifierVersionFactory,
    JobFactory,
    LibraryFactory,
    expire,
    work_off,
)

pytestmark = pytest.mark.django_db


def claim(job: Job, limit: int = 9) -> list[ClaimedJob]:
    return claim_jobs(classifiers=[job.classifier], worker="w", limit=limit)


def kinds(run: Run) -> list[str]:
    return [event.kind for event in list_events(run=run)]


def fail(held: ClaimedJob, code: str = "decode_timeout") -> None:
    assert fail_job(claim=held.claim, code=code, message="Slow volume.", retryable=True)


def test_no_job_of_a_paused_run_is_claimed_until_it_is_resumed():
    job = JobFactory(run__priority=9)
    other = JobFactory(classifier=job.classifier)

    assert pause_run(run=job.run)
    assert not pause_run(run=job.run)
    assert [taken.job_id for taken in claim(job)] == [other.pk]
    assert resume_run(run=job.run)
    assert not resume_run(run=job.run)

    assert [taken.job_id for taken in claim(job)] == [job.pk]
    assert kinds(job.run) == ["paused", "resumed", "started"]


def test_what_a_worker_holds_of_a_paused_run_is_finished_and_the_run_closed():
    job = JobFactory()
    held = claim(job)
    pause_run(run=job.run)

    work_off(held)

    job.run.refresh_from_db()
    assert (job.run.state, job.run.paused_at) == (Run.State.FINISHED, None)
    assert not pause_run(run=job.run)


def test_a_failure_that_may_pass_is_tried_again_later_and_three_times_at_most(settings):
    settings.EARMARK_JOB_RETRY_SECONDS = 1000
    job = JobFactory()
    waits = []
    for _ in range(2):
        (held,) = claim(job)
        fail(held)
        job.refresh_from_db()
        assert (job.state, job.reason_code, job.worker) == ("queued", "decode_timeout", "")
        waits.append((job.not_before - timezone.now()).total_seconds())
        requeue_expired()
        assert claim(job) == []
        Job.objects.update(not_before=timezone.now() - timedelta(seconds=1))
        requeue_expired()
    (held,) = claim(job)
    fail(held)

    assert 490 < waits[0] < 1500 < 1990 < waits[1] < 6000
    job.refresh_from_db()
    assert (job.state, job.tries, job.retryable) == ("failed", 3, True)
    job.run.refresh_from_db()
    assert job.run.state == Run.State.FINISHED
    assert kinds(job.run) == ["started", "delayed", "delayed", "failed", "finished"]


@pytest.mark.parametrize(
    ("code", "retryable"),
    [
        ("not_audio", False),
        ("classifier_hung", True),
        ("worker_died", True),
        ("worker_killed", True),
    ],
)
def test_lasting_failures_and_files_that_end_their_workers_are_not_tried_again(code, retryable):
    job = JobFactory()
    (held,) = claim(job)

    fail_job(claim=held.claim, code=code, message="No.", retryable=retryable, file_fault=False)

    job.refresh_from_db()
    assert (job.state, job.retryable) == ("failed", retryable)


def test_a_run_may_allow_one_try_only():
    job = JobFactory(run__max_tries=1)
    (held,) = claim(job)
    fail(held)
    assert count_jobs(run=job.run) == RunCounts(failed=1)


def test_failed_jobs_are_queued_again_with_all_tries_and_the_run_is_open_again():
    job = JobFactory(run__max_tries=1, run__options={"worker": "gone", "write": True})
    other = JobFactory(run=job.run, classifier=job.classifier, file__library=job.run.library)
    # A run that a process has to itself is claimed from by name only.
    assert claim(job) == []
    first, second = claim_jobs(classifiers=[job.classifier], worker="w", limit=9, run=job.run)
    fail(first)
    fail(second, code="decode_failed")

    assert retry_run(run=job.run, codes=["decode_timeout"]) == 1
    job.run.refresh_from_db()
    assert (job.run.state, job.run.finished_at) == (Run.State.RUNNING, None)
    assert job.run.options == {"write": True}
    other.refresh_from_db()
    assert other.state == "failed"

    (again,) = claim(job)
    assert (again.job_id, again.attempt) == (job.pk, 2)
    assert not fail_job(claim=first.claim, code="late", message="Late.")
    work_off([again])
    assert retry_run(run=job.run) == 1
    assert count_jobs(run=job.run) == RunCounts(succeeded=1, queued=1)
    assert retry_run(run=job.run) == 0


def test_a_cancelled_run_keeps_what_was_done_and_cannot_be_tried_again():
    job = JobFactory()
    JobFactory(run=job.run, classifier=job.classifier)
    held = claim(job, limit=1)

    assert cancel_run(run=job.run) == 1
    work_off(held)

    assert count_jobs(run=job.run) == RunCounts(succeeded=1, cancelled=1)
    job.run.refresh_from_db()
    assert job.run.state == Run.State.CANCELLED
    assert cancel_run(run=job.run) == 0
    with pytest.raises(RunCancelledError):
        retry_run(run=job.run)
    assert kinds(job.run) == ["started", "cancelled", "succeeded"]


def test_a_job_that_comes_back_to_a_cancelled_run_is_cancelled_and_not_done():
    job = JobFactory()
    (held,) = claim(job)
    cancel_run(run=job.run)

    release_jobs(claims=[held.claim], worker="w")
    assert claim(job) == []
    requeue_expired()

    assert count_jobs(run=job.run) == RunCounts(cancelled=1)


def test_jobs_in_every_state_are_counted_for_the_run_and_the_library():
    job = JobFactory()
    library = job.run.library
    held = claim(job)
    JobFactory(run=job.run, classifier=job.classifier)
    JobFactory(run__library=library)
    JobFactory()

    assert count_jobs(run=job.run) == RunCounts(running=1, queued=1)
    assert count_library(library=library) == RunCounts(running=1, queued=2)
    work_off(held)
    assert count_library(library=library) == RunCounts(succeeded=1, queued=2)


def test_events_tell_what_happened_how_often_and_how_much_sound():
    job = JobFactory()
    JobFactory(run=job.run, classifier=job.classifier)
    dead, held = claim(job)
    work_off([held], 0.9)
    expire(dead)
    requeue_expired()

    events = list(list_events(run=job.run))

    assert [(event.kind, event.jobs) for event in events] == [
        ("started", 0),
        ("succeeded", 1),
        ("lost", 1),
    ]
    assert events[1].audio_seconds == 1.0
    assert list(list_events(run=job.run, after=events[1].pk)) == events[2:]


def test_the_reason_of_an_aborted_run_is_told_once_for_all_its_jobs():
    job = JobFactory()
    abort_run(run=job.run, code="classifier_unavailable", message="Not installed.")
    failed, finished = list_events(run=job.run)
    assert (failed.kind, failed.jobs) == ("failed", 1)
    assert failed.payload == {"code": "classifier_unavailable", "message": "Not installed."}
    assert finished.kind == "finished"


def test_old_events_are_removed_unless_all_are_kept(settings):
    run = JobFactory().run
    pause_run(run=run)
    RunEvent.objects.update(created_at=timezone.now() - timedelta(days=8))
    resume_run(run=run)

    settings.EARMARK_EVENT_KEEP_DAYS = 0
    assert prune_events() == 0
    settings.EARMARK_EVENT_KEEP_DAYS = 7
    assert prune_events() == 1
    assert kinds(run) == ["resumed"]


def test_a_query_chooses_files_by_tag_status_format_and_path():
    library = LibraryFactory()
    rain = AudioFileFactory(library=library, path="Weather/rain.wav", container="wav")
    AudioFileFactory(library=library, path="Weather/wind.flac", container="flac", audio_hash="x")
    AudioFileFactory(library=library, path="dog.wav", container="wav")
    now = timezone.now()
    Tag.objects.create(file=rain, name="heavy rain", origin="classifier", created_at=now)
    classifiers = [ClassifierVersionFactory()]

    def found(query: str) -> int:
        selection = Selection(query=query)
        chosen = preview_run(library=library, classifiers=classifiers, selection=selection)
        return chosen.jobs

    assert found("weather") == 2
    assert found('tag:"Heavy Rain" format:WAV') == 1
    assert found("status:untagged") == 2
    assert found("status:tagged path:weather") == 1
    assert found("status:new wav") == 2
    assert found("status:failed") == 0
    assert not Run.objects.exists()


@pytest.mark.parametrize("query", ['"open', "tag:", "status:old", "status:new status:failed"])
def test_a_query_nobody_understands_is_refused(query):
    with pytest.raises(SelectionError):
        submit_run(
            library=LibraryFactory(),
            classifiers=[ClassifierVersionFactory()],
            selection=Selection(query=query),
        )


def test_a_run_over_named_files_has_their_jobs_only_and_refuses_files_of_elsewhere():
    library = LibraryFactory()
    wanted, _ = AudioFileFactory.create_batch(2, library=library)
    elsewhere = AudioFileFactory()
    classifiers = [ClassifierVersionFactory()]

    selection = Selection(file_ids=[wanted.pk])
    run = submit_run(library=library, classifiers=classifiers, selection=selection)

    assert run is not None
    assert list(run.jobs.values_list("file", flat=True)) == [wanted.pk]
    assert run.selection == {"files": 1, "file_ids": [wanted.pk]}
    assert kinds(run) == ["submitted"]
    with pytest.raises(SelectionError):
        submit_run(
            library=library, classifiers=classifiers, selection=Selection(file_ids=[elsewhere.pk])
        )


def test_a_run_that_does_not_exist_is_named():
    with pytest.raises(RunUnknownError, match="There is no run 7"):
        get_run(number=7)
