"""Jobs are taken, held and given back, on either database."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone

from earmark.jobs.models import Job, Run
from earmark.jobs.selectors import list_silent_runs
from earmark.jobs.services import (
    Claim,
    by_file,
    claim_jobs,
    complete_jobs,
    fail_job,
    release_jobs,
    renew_leases,
    requeue_expired,
    submit_run,
)
from earmark.library.models import AudioFile
from tests.factories import (
    AudioFileFactory,
    ClassifierVersionFactory,
    JobFactory,
    LibraryFactory,
    RunFactory,
    expire,
    identify,
    result_of,
)

pytestmark = pytest.mark.django_db


def states(run: Run) -> list[str]:
    return list(run.jobs.order_by("pk").values_list("state", flat=True))


def test_a_claim_takes_older_runs_of_higher_priority_first_and_no_more_than_asked_for():
    classifier = ClassifierVersionFactory()
    low, high, low_again = (
        JobFactory(classifier=classifier, run__priority=priority) for priority in (0, 5, 0)
    )

    claimed = claim_jobs(classifiers=[classifier], worker="w", limit=2)

    assert [job.job_id for job in claimed] == [high.pk, low.pk]
    assert [states(job.run) for job in (low, high, low_again)] == [
        ["running"],
        ["running"],
        ["queued"],
    ]
    assert low_again.attempts == 0


def test_a_claim_describes_the_file_and_starts_the_run():
    job = JobFactory(file__path="a b/c\\xff.wav")

    (claimed,) = claim_jobs(classifiers=[job.classifier], worker="w", limit=5)

    assert claimed.location.name == "c\udcff.wav"
    assert claimed.location.parent.name == "a b"
    assert (claimed.attempt, claimed.force, claimed.audio_hash) == (1, False, "")
    job.run.refresh_from_db()
    assert job.run.state == Run.State.RUNNING
    assert job.run.started_at is not None


def test_a_lease_ends_as_long_after_now_as_asked_for():
    job = JobFactory()

    claim_jobs(classifiers=[job.classifier], worker="w", limit=1, lease=timedelta(seconds=90))

    job.refresh_from_db()
    left = job.lease_until - timezone.now()
    assert timedelta(seconds=85) < left < timedelta(seconds=95)


def test_a_claim_takes_only_jobs_of_its_classifier_and_run():
    job = JobFactory()
    JobFactory()
    other_run = JobFactory(classifier=job.classifier)

    claimed = claim_jobs(classifiers=[job.classifier], worker="w", limit=9, run=other_run.run)

    assert [taken.job_id for taken in claimed] == [other_run.pk]


def test_a_late_result_of_a_lost_lease_is_refused_and_leaves_no_trace():
    job = JobFactory()
    (slow,) = claim_jobs(classifiers=[job.classifier], worker="slow", limit=1)
    identify([slow])
    expire(slow)
    requeue_expired()
    (quick,) = claim_jobs(classifiers=[job.classifier], worker="quick", limit=1)
    identify([quick])

    late = complete_jobs(results=[result_of(slow, 0.1, 0.1, 0.1)])

    assert (late.accepted, late.refused) == ([], [job.pk])
    assert not fail_job(claim=slow.claim, code="decode_failed", message="Late.")
    assert identify([slow])[0].verdict == "lost"
    assert complete_jobs(results=[result_of(quick)]).accepted == [job.pk]
    job.refresh_from_db()
    assert (job.state, job.attempts) == ("succeeded", 2)


def test_a_result_after_the_lease_ran_out_counts_if_nobody_took_the_job():
    job = JobFactory()
    (claimed,) = claim_jobs(classifiers=[job.classifier], worker="w", limit=1)
    identify([claimed])
    expire(claimed)

    assert complete_jobs(results=[result_of(claimed)]).accepted == [job.pk]


def test_renewing_holds_jobs_longer_and_names_the_lost_ones():
    job = JobFactory()
    (held,) = claim_jobs(classifiers=[job.classifier], worker="w", limit=1)
    expire(held)

    lost = renew_leases(claims=[held.claim, Claim(held.job_id, 7), Claim(0, 1)], worker="w")

    assert lost == [Claim(held.job_id, 7), Claim(0, 1)]
    assert requeue_expired().requeued == 0


def test_a_job_that_waits_for_another_is_free_when_the_lease_of_that_ends():
    leader = JobFactory()
    (held,) = claim_jobs(classifiers=[leader.classifier], worker="w", limit=1)
    follower = JobFactory(classifier=leader.classifier, waits_for=leader)

    assert claim_jobs(classifiers=[leader.classifier], worker="v", limit=1) == []
    assert follower.run not in list_silent_runs(library=follower.run.library)
    expire(held)

    (claimed,) = claim_jobs(classifiers=[leader.classifier], worker="v", limit=1)
    assert claimed.job_id == follower.pk


def test_a_run_is_silent_only_when_no_lease_lasts_and_nothing_happened_lately():
    job = JobFactory()
    library = job.run.library
    old = timezone.now() - timedelta(hours=1)
    (held,) = claim_jobs(classifiers=[job.classifier], worker="w", limit=1)
    Job.objects.update(started_at=old)
    assert list(list_silent_runs(library=library)) == []
    expire(held)
    assert list(list_silent_runs(library=library)) == [job.run]
    Job.objects.update(started_at=timezone.now())
    assert list(list_silent_runs(library=library)) == []


def test_a_run_that_has_not_begun_is_not_silent_within_a_day():
    run = JobFactory().run
    assert list(list_silent_runs(library=run.library)) == []
    Run.objects.update(created_at=timezone.now() - timedelta(days=2))
    assert list(list_silent_runs(library=run.library)) == [run]


def test_a_released_job_is_free_again_and_not_blamed():
    job = JobFactory()
    (held,) = claim_jobs(classifiers=[job.classifier], worker="w", limit=1)

    assert release_jobs(claims=[held.claim], worker="someone else") == 0
    assert release_jobs(claims=[held.claim], worker="w") == 1

    job.refresh_from_db()
    assert (job.state, job.lost_leases, job.worker) == ("queued", 0, "")
    (again,) = claim_jobs(classifiers=[job.classifier], worker="w", limit=1)
    assert again.attempt == 2


def test_what_keeps_killing_its_worker_fails_after_three_losses():
    job = JobFactory()
    outcomes = []
    for worker in "abc":
        (held,) = claim_jobs(classifiers=[job.classifier], worker=worker, limit=1)
        expire(held)
        report = requeue_expired()
        outcomes.append((report.requeued, report.failed))

    assert outcomes == [(1, 0), (1, 0), (0, 1)]
    job.refresh_from_db()
    assert (job.state, job.reason_code, job.retryable) == ("failed", "worker_killed", True)
    job.run.refresh_from_db()
    assert job.run.state == Run.State.FINISHED
    job.file.refresh_from_db()
    assert job.file.state == AudioFile.State.PRESENT


def test_jobs_of_workers_known_to_be_dead_are_free_at_once_and_without_blame_if_so_asked():
    job = JobFactory()
    claim_jobs(classifiers=[job.classifier], worker="dead", limit=1)

    assert requeue_expired(dead_workers=["other"]).requeued == 0
    assert requeue_expired(dead_workers=["dead"], blame=False).requeued == 1

    job.refresh_from_db()
    assert job.lost_leases == 0


def test_jobs_that_lost_a_worker_are_taken_after_all_others_and_one_by_one():
    classifier = ClassifierVersionFactory()
    run = RunFactory(priority=9)
    suspects = JobFactory.create_batch(2, classifier=classifier, run=run, lost_leases=1)
    fresh = [JobFactory(classifier=classifier, run=run), JobFactory(classifier=classifier)]

    taken = [
        [job.job_id for job in claim_jobs(classifiers=[classifier], worker="w", limit=9)]
        for _ in range(4)
    ]

    assert taken == [[job.pk for job in fresh], [suspects[0].pk], [suspects[1].pk], []]


@pytest.mark.parametrize(
    ("code", "state", "reason"),
    [("not_audio", "failed", "not_audio"), ("file_not_found", "missing", "")],
)
def test_a_failed_job_marks_its_file(code: str, state: str, reason: str):
    job = JobFactory()
    (held,) = claim_jobs(classifiers=[job.classifier], worker="w", limit=1)

    assert fail_job(claim=held.claim, code=code, message="It says so.")

    job.refresh_from_db()
    assert (job.state, job.reason_code, job.reason_message) == ("failed", code, "It says so.")
    job.file.refresh_from_db()
    assert (job.file.state, job.file.error_code) == (state, reason)
    job.run.refresh_from_db()
    assert job.run.state == Run.State.FINISHED


def test_a_fault_of_the_machine_is_not_the_files():
    job = JobFactory(file=AudioFileFactory())
    (held,) = claim_jobs(classifiers=[job.classifier], worker="w", limit=1)

    fail_job(claim=held.claim, code="out_of_device_memory", message="Full.", file_fault=False)

    job.file.refresh_from_db()
    assert job.file.state == AudioFile.State.PRESENT


def test_a_running_job_without_a_lease_is_impossible():
    from django.db import IntegrityError

    job = JobFactory()
    with pytest.raises(IntegrityError, match="jobs_job_running_has_lease"):
        Job.objects.filter(pk=job.pk).update(state="running", worker="w")


def test_all_jobs_of_a_file_are_claimed_together_for_the_classifiers_a_worker_hosts():
    first, second, elsewhere = ClassifierVersionFactory.create_batch(3)
    library = LibraryFactory()
    for name in ("a.wav", "b.wav", "c.wav"):
        AudioFileFactory(library=library, path=name)
    submit_run(library=library, classifiers=[first, second, elsewhere])

    claimed = claim_jobs(classifiers=[second, first], worker="w", limit=2)

    groups = [[(job.path, job.classifier_id) for job in group] for group in by_file(claimed)]
    assert groups == [
        [("a.wav", first.pk), ("a.wav", second.pk)],
        [("b.wav", first.pk), ("b.wav", second.pk)],
    ]
    rest = claim_jobs(classifiers=[elsewhere], worker="v", limit=9)
    assert [job.path for job in rest] == ["a.wav", "b.wav", "c.wav"]


def test_a_file_whose_first_classifier_is_done_is_claimed_for_the_others():
    first, second = ClassifierVersionFactory.create_batch(2)
    library = LibraryFactory()
    AudioFileFactory(library=library)
    submit_run(library=library, classifiers=[first, second])
    claim_jobs(classifiers=[first], worker="w", limit=9)

    (job,) = claim_jobs(classifiers=[first, second], worker="v", limit=9)

    assert job.classifier_id == second.pk


def test_an_urgent_job_of_any_hosted_classifier_comes_first():
    common = JobFactory()
    urgent = JobFactory(run__priority=9)

    claimed = claim_jobs(classifiers=[common.classifier, urgent.classifier], worker="w", limit=1)

    assert [job.job_id for job in claimed] == [urgent.pk]


def test_jobs_of_one_file_in_two_runs_are_claimed_apart():
    job = JobFactory()
    other = JobFactory(file=job.file, run__library=job.run.library)

    claimed = claim_jobs(classifiers=[job.classifier, other.classifier], worker="w", limit=9)

    assert [[job.run_id for job in group] for group in by_file(claimed)] == [
        [job.run_id],
        [other.run_id],
    ]
