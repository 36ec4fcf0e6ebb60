"""What comes out of jobs is stored once per audio, and shared by equal files."""

from __future__ import annotations

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from earmark.jobs.errors import UnidentifiedAudioError, UnknownLabelError
from earmark.jobs.models import Job, PredictionSet, Run
from earmark.jobs.scores import LabelScore
from earmark.jobs.selectors import (
    count_jobs,
    get_scores,
    list_lease_holders,
    list_open_runs,
)
from earmark.jobs.services import (
    JobResult,
    Verdict,
    cancel_run,
    claim_jobs,
    complete_jobs,
    fail_job,
    submit_run,
)
from earmark.library.models import AudioFile
from tests.factories import (
    FACTS,
    LABELS,
    AudioFileFactory,
    ClassifierVersionFactory,
    JobFactory,
    LibraryFactory,
    RunFactory,
    expire,
    identify,
    result_of,
    work_off,
)

pytestmark = pytest.mark.django_db


def claim(job: Job, worker: str = "w") -> list:
    return claim_jobs(classifiers=[job.classifier], worker=worker, limit=100)


def test_a_result_stores_scores_with_their_labels_and_the_facts_of_the_file():
    job = JobFactory()
    (held,) = claim(job)
    identify([held], "x:1")

    complete_jobs(
        results=[JobResult(held.claim, [LabelScore(LABELS[1][0], 0.123456789, 5, 10)], FACTS)]
    )

    scores = get_scores(classifier=job.classifier, audio_hashes=["x:1", "x:2", ""])
    (score,) = scores.pop("x:1")
    assert scores == {}
    assert (score.label.name, score.score, score.start, score.end) == ("Dog", 0.12346, 5.0, 10.0)
    job.file.refresh_from_db()
    assert (job.file.duration, job.file.codec) == (1.0, "pcm_s16le")


def test_equal_audio_is_classified_once_and_the_others_follow():
    classifier = ClassifierVersionFactory()
    first, second, other = JobFactory.create_batch(3, classifier=classifier)
    jobs = claim(first)

    told = identify(jobs[:2], "x:same") + identify(jobs[2:], "x:other")

    assert [answer.verdict for answer in told] == ["classify", "waits", "classify"]
    assert claim(first, "another") == []
    done = complete_jobs(results=[result_of(jobs[0])])
    assert (done.accepted, done.followers) == ([first.pk], [second.pk])
    second.refresh_from_db()
    assert (second.state, second.reason_code, second.reused_from_id) == (
        "succeeded",
        "reused",
        first.pk,
    )
    assert PredictionSet.objects.count() == 1
    second.run.refresh_from_db()
    assert second.run.state == Run.State.FINISHED
    other.refresh_from_db()
    assert other.state == "running"


def test_equal_audio_told_of_at_once_has_one_leader():
    jobs = JobFactory.create_batch(3, classifier=ClassifierVersionFactory())

    told = identify(claim(jobs[0]), "x:same")

    assert sorted(answer.verdict for answer in told) == ["classify", "waits", "waits"]
    (leader,) = Job.objects.running()
    assert {job.waits_for_id for job in Job.objects.queued()} == {leader.pk}


def test_a_job_of_another_run_on_the_same_new_file_is_followed():
    first = JobFactory()
    second = JobFactory(classifier=first.classifier, file=first.file)
    mine, theirs = claim(first)

    # Nobody knew the audio of either, and only one of them is told of.
    (told,) = identify([mine], "x:same")

    assert told.verdict == Verdict.WAITS
    assert Job.objects.get(pk=mine.job_id).waits_for_id == theirs.job_id == second.pk


def test_many_files_take_as_many_statements_as_a_few():
    classifier = ClassifierVersionFactory()

    def statements(count: int) -> int:
        first, *_ = JobFactory.create_batch(count, classifier=classifier, run=RunFactory())
        jobs = claim(first)
        with CaptureQueriesContext(connection) as asked:
            identify(jobs)
            complete_jobs(results=[result_of(job) for job in jobs])
        return len(asked)

    assert statements(2) == statements(9) > 0


def test_a_follower_takes_over_when_its_leader_fails():
    leader, follower = JobFactory.create_batch(2, classifier=ClassifierVersionFactory())
    jobs = claim(leader)
    identify(jobs, "x:same")

    fail_job(claim=jobs[0].claim, code="decode_failed", message="Broken.")

    (again,) = claim(leader)
    assert again.job_id == follower.pk
    assert identify([again], "x:same")[0].verdict == Verdict.CLASSIFY


def test_a_follower_takes_over_when_the_worker_of_its_leader_is_silent():
    leader, follower = JobFactory.create_batch(2, classifier=ClassifierVersionFactory())
    jobs = claim(leader)
    expire(jobs[0])

    assert [told.verdict for told in identify(jobs[1:], "x:same")] == ["classify"]
    assert follower.pk == jobs[1].job_id


def test_audio_that_has_a_result_needs_no_work():
    first = JobFactory()
    work_off(claim(first))
    audio = AudioFile.objects.get(pk=first.file_id).audio_hash
    later = JobFactory(classifier=first.classifier)

    (told,) = identify(claim(first), audio)

    assert told.verdict == Verdict.REUSED
    later.refresh_from_db()
    assert (later.state, later.reused_from_id) == ("succeeded", first.pk)
    later.run.refresh_from_db()
    assert later.run.state == Run.State.FINISHED


def test_another_version_of_the_classifier_does_its_own_work():
    first = JobFactory(classifier__name="ear", classifier__version="1.0.0")
    work_off(claim(first))
    newer = ClassifierVersionFactory(name="ear-two", version="2.0.0")
    job = JobFactory(classifier=newer, file=first.file)

    assert [told.verdict for told in identify(claim(job))] == [Verdict.CLASSIFY]


def test_a_forced_run_classifies_anew_and_replaces_the_result():
    first = JobFactory()
    work_off(claim(first), 0.9)
    forced = JobFactory(classifier=first.classifier, file=first.file, run__mode=Run.Mode.FORCE)

    work_off(claim(forced), 0.4)

    forced.refresh_from_db()
    assert (forced.state, forced.reused_from) == ("succeeded", None)
    audio = AudioFile.objects.get(pk=first.file_id).audio_hash
    scores = get_scores(classifier=first.classifier, audio_hashes=[audio])
    assert scores[audio][0].score == 0.4


def test_a_result_for_audio_nobody_identified_is_refused():
    job = JobFactory()
    (held,) = claim(job)

    with pytest.raises(UnidentifiedAudioError):
        complete_jobs(results=[result_of(held)])


def test_a_score_for_a_label_the_classifier_does_not_have_is_refused():
    job = JobFactory()
    (held,) = claim(job)
    identify([held])

    with pytest.raises(UnknownLabelError):
        complete_jobs(results=[JobResult(held.claim, [LabelScore("/m/none", 0.5)], FACTS)])

    job.refresh_from_db()
    assert job.state == "running"


def test_a_run_takes_what_has_no_result_yet_and_nothing_if_all_is_known():
    library = LibraryFactory()
    classifier = ClassifierVersionFactory()
    AudioFileFactory(library=library, path="a.wav")
    AudioFileFactory(library=library, path="gone.wav", state="missing")
    AudioFileFactory(library=library, path="bad.wav", state="failed", error_code="not_audio")
    again = AudioFileFactory(
        library=library,
        path="slow.wav",
        state="failed",
        error_code="decode_timeout",
        error_retryable=True,
    )

    run = submit_run(library=library, classifiers=[classifier])

    assert run is not None
    assert {job.file.path for job in run.jobs.all()} == {"a.wav", "slow.wav"}
    assert list(list_open_runs(library=library, under="")) == [run]
    work_off(claim_jobs(classifiers=[classifier], worker="w", limit=9))
    assert submit_run(library=library, classifiers=[classifier]) is None
    assert Run.objects.count() == 1
    again.refresh_from_db()
    assert (again.state, again.error_code) == ("present", "")
    assert list(list_open_runs()) == []


def test_a_run_can_be_held_to_a_folder_a_file_and_a_number():
    library = LibraryFactory()
    classifier = ClassifierVersionFactory()
    for path in ("a.wav", "sub/b.wav", "sub/c.wav", "sub_not/d.wav", "%/e.wav"):
        AudioFileFactory(library=library, path=path)

    def paths(**selection: object) -> list[str]:
        run = submit_run(library=library, classifiers=[classifier], **selection)
        return [job.file.path for job in run.jobs.order_by("pk")] if run else []

    assert paths(under="sub") == ["sub/b.wav", "sub/c.wav"]
    assert paths(under="a.wav") == ["a.wav"]
    assert paths(under="%") == ["%/e.wav"]
    assert len(paths(limit=2)) == 2
    assert paths(under="none") == []


def test_counts_are_those_of_the_rows():
    classifier = ClassifierVersionFactory()
    library = LibraryFactory()
    AudioFileFactory.create_batch(4, library=library)
    run = submit_run(library=library, classifiers=[classifier])
    assert run is not None
    done, bad, *_ = claim_jobs(classifiers=[classifier], worker="w", limit=3)
    assert list_lease_holders() == ["w"]
    work_off([done])
    fail_job(claim=bad.claim, code="not_audio", message="No.")

    counts = count_jobs(run=run)

    assert (counts.succeeded, counts.failed, counts.running, counts.queued) == (1, 1, 1, 1)
    assert (counts.total, counts.finished) == (4, 2)


def test_a_cancelled_run_gives_out_nothing_more_but_keeps_what_is_under_way():
    classifier = ClassifierVersionFactory()
    library = LibraryFactory()
    AudioFileFactory.create_batch(3, library=library)
    run = submit_run(library=library, classifiers=[classifier])
    assert run is not None
    (held,) = claim_jobs(classifiers=[classifier], worker="w", limit=1)

    assert cancel_run(run=run) == 2

    assert claim_jobs(classifiers=[classifier], worker="w", limit=9) == []
    assert work_off([held]).accepted == [held.job_id]
    run.refresh_from_db()
    assert run.state == Run.State.CANCELLED
