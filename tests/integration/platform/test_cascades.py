"""Jobs that are added to runs, and whom a cascade asks about which files."""

from __future__ import annotations

from pathlib import Path

import pytest

from earmark.classifiers.models import ClassifierVersion
from earmark.jobs.asking import list_classifiers
from earmark.jobs.models import Job, Run
from earmark.jobs.services import (
    add_jobs,
    cancel_run,
    claim_jobs,
    close_finished_runs,
    fail_job,
    submit_run,
)
from earmark.library.models import AudioFile, Library
from earmark.tagging.knowledge import Combine, TagPolicy
from earmark.tagging.rules import Rules
from earmark.tagging.services import (
    ask_second_opinions,
    derive_file_tags,
    find_waiting,
    list_in_doubt,
    set_policy,
)
from earmark.writeback.models import WriteRequest
from earmark_workers.pipeline.run_tags import RunTags
from tests.factories import (
    AudioFileFactory,
    ClassifierVersionFactory,
    JobFactory,
    LibraryFactory,
    identify,
    work_off,
)

pytestmark = pytest.mark.django_db

SURE = (0.01, 0.9, 0.01)
UNSURE = (0.01, 0.3, 0.01)


@pytest.fixture
def library() -> Library:
    return LibraryFactory()


@pytest.fixture
def rules() -> Rules:
    """A cascade of three, named in another order than they were registered."""
    third, first, second = ClassifierVersionFactory.create_batch(3)
    return Rules((first, second, third), TagPolicy(combine=Combine.CASCADE))


def submit(library: Library, rules: Rules, **more) -> Run | None:
    return submit_run(
        library=library, classifiers=rules.classifiers, at_first=rules.asked_first, **more
    )


def hear(run: Run, classifier: ClassifierVersion, scores: dict[str, tuple[float, ...]]) -> None:
    """Let a classifier do its jobs of a run; every file it is asked about has to be named."""
    jobs = claim_jobs(classifiers=[classifier], worker="w", limit=99, run=run)
    assert {job.path for job in jobs} == set(scores)
    for job in jobs:
        work_off([job], *scores[job.path])


def derive(rules: Rules) -> None:
    derive_file_tags(files=list(AudioFile.objects.all()), rules=rules)


def queued(run: Run) -> list[tuple[str, int]]:
    jobs = Job.objects.queued().filter(run=run).order_by("file__path")
    return list(jobs.values_list("file__path", "classifier"))


def fail(run: Run, classifier: ClassifierVersion, *, lasting: bool) -> None:
    (job,) = claim_jobs(classifiers=[classifier], worker="w", limit=9, run=run)
    identify([job])
    fail_job(claim=job.claim, code="broke", message="-", retryable=not lasting, file_fault=False)


def test_a_run_that_was_just_closed_is_open_again_and_nothing_is_queued_twice():
    job = JobFactory()
    work_off(claim_jobs(classifiers=[job.classifier], worker="w", limit=9))
    other = ClassifierVersionFactory()
    assert Run.objects.get().state == Run.State.FINISHED

    assert add_jobs(run=job.run, classifier=other, file_ids=[job.file_id]) == 1
    assert add_jobs(run=job.run, classifier=other, file_ids=[job.file_id]) == 0
    assert add_jobs(run=job.run, classifier=job.classifier, file_ids=[job.file_id]) == 0

    run = Run.objects.get()
    assert (run.state, run.finished_at) == (Run.State.RUNNING, None)
    work_off(claim_jobs(classifiers=[other], worker="w", limit=9))
    assert Run.objects.get().state == Run.State.FINISHED


def test_a_cancelled_run_gets_no_jobs_and_files_of_other_libraries_have_no_place_in_a_run():
    job = JobFactory()
    other = ClassifierVersionFactory()
    assert add_jobs(run=job.run, classifier=other, file_ids=[AudioFileFactory().pk]) == 0
    cancel_run(run=job.run)
    assert add_jobs(run=job.run, classifier=other, file_ids=[job.file_id]) == 0


def test_each_is_asked_only_about_what_those_before_it_leave_in_doubt(
    library: Library, rules: Rules
):
    for name in ("clear", "doubtful", "settled"):
        AudioFileFactory(library=library, path=name)
    first, second, third = rules.classifiers
    run = submit(library, rules)
    assert run is not None
    assert list_classifiers(run=run) == [first, second, third]

    hear(run, first, {"clear": SURE, "doubtful": UNSURE, "settled": UNSURE})
    derive(rules)
    assert ask_second_opinions(run=run, rules=rules) == 2
    assert ask_second_opinions(run=run, rules=rules) == 0
    assert queued(run) == [("doubtful", second.pk), ("settled", second.pk)]
    files = {file.path: file.pk for file in AudioFile.objects.all()}
    assert find_waiting(run=run, file_ids=files.values()) == {files["doubtful"], files["settled"]}

    hear(run, second, {"doubtful": UNSURE, "settled": SURE})
    derive(rules)
    assert ask_second_opinions(run=run, rules=rules, file_ids=files.values()) == 1
    hear(run, third, {"doubtful": UNSURE})
    derive(rules)

    assert ask_second_opinions(run=run, rules=rules) == 0
    assert not list_in_doubt(library=library, rules=rules).exists()
    assert submit(library, rules) is None


def test_what_the_first_cannot_do_is_asked_of_the_next(library: Library, rules: Rules):
    AudioFileFactory(library=library, path="a")
    run = submit(library, rules)
    assert run is not None
    fail(run, rules.classifiers[0], lasting=True)

    assert ask_second_opinions(run=run, rules=rules) == 1
    hear(run, rules.classifiers[1], {"a": SURE})
    derive(rules)
    assert not list_in_doubt(library=library, rules=rules).exists()


def test_asked_in_vain_in_one_run_it_is_asked_again_in_the_next(library: Library, rules: Rules):
    AudioFileFactory(library=library, path="a")
    run = submit(library, rules, max_tries=1)
    assert run is not None
    hear(run, rules.classifiers[0], {"a": UNSURE})
    derive(rules)
    ask_second_opinions(run=run, rules=rules)
    fail(run, rules.classifiers[1], lasting=False)

    assert ask_second_opinions(run=run, rules=rules) == 0
    assert not list_in_doubt(library=library, rules=rules, run=run).exists()
    assert list_in_doubt(library=library, rules=rules).exists()
    later = submit(library, rules, keep_empty=True)
    assert later is not None
    assert ask_second_opinions(run=later, rules=rules) == 1


def test_a_label_that_is_never_written_is_not_worth_asking_about(library: Library, rules: Rules):
    AudioFileFactory(library=library, path="a")
    run = submit(library, rules)
    assert run is not None
    hear(run, rules.classifiers[0], {"a": UNSURE})
    policy = TagPolicy(combine=Combine.CASCADE, denied=frozenset({"Dog"}))
    strict = Rules(rules.classifiers, policy)
    derive(strict)
    assert ask_second_opinions(run=run, rules=strict) == 0


def test_the_limit_takes_the_first_files_by_path(library: Library, rules: Rules):
    for name in ("c", "a", "b"):
        AudioFileFactory(library=library, path=name)
    run = submit(library, rules)
    assert run is not None
    hear(run, rules.classifiers[0], dict.fromkeys("abc", UNSURE))
    derive(rules)
    assert ask_second_opinions(run=run, rules=rules, limit=2) == 2
    assert [path for path, _ in queued(run)] == ["a", "b"]
    assert ask_second_opinions(run=run, rules=rules, limit=0) == 0


def test_force_renews_what_was_said_and_asks_nobody_else(library: Library, rules: Rules):
    for name in ("clear", "doubtful"):
        AudioFileFactory(library=library, path=name)
    run = submit(library, rules)
    assert run is not None
    first, second, _ = rules.classifiers
    hear(run, first, {"clear": SURE, "doubtful": UNSURE})
    derive(rules)
    ask_second_opinions(run=run, rules=rules)
    hear(run, second, {"doubtful": SURE})

    forced = submit(library, rules, mode=Run.Mode.FORCE)

    assert forced is not None
    assert sorted(queued(forced)) == sorted(
        [("clear", first.pk), ("doubtful", first.pk), ("doubtful", second.pk)]
    )


def test_nobody_is_asked_in_turn_by_any_other_policy(library: Library, rules: Rules):
    everybody = Rules(rules.classifiers, TagPolicy())
    AudioFileFactory(library=library, path="a")
    run = submit(library, everybody)
    assert run is not None
    assert run.jobs.count() == 3
    hear(run, everybody.classifiers[0], {"a": UNSURE})
    derive(everybody)
    assert ask_second_opinions(run=run, rules=everybody) == 0
    assert not list_in_doubt(library=library, rules=everybody).exists()


def test_workers_of_all_runs_ask_too_and_ask_for_a_write_only_after_the_answer(
    library: Library, rules: Rules, data_dir: Path
):
    set_policy(policy=rules.policy)
    first, second, _ = rules.classifiers
    for name in ("clear", "doubtful", "found late"):
        AudioFileFactory(library=library, path=name)
    files = {file.path: file.pk for file in AudioFile.objects.all()}
    run = submit(library, rules, options={"write": True, Run.FOLLOW_UP: True})
    assert run is not None

    hear(run, first, {"clear": SURE, "doubtful": UNSURE, "found late": UNSURE})
    RunTags().take([files["clear"], files["doubtful"]])  # and then this worker dies
    assert requested() == ["clear"]
    assert RunTags().follow_up(run, bool)
    assert requested() == ["clear"]
    assert [path for path, _ in queued(run)] == ["doubtful", "found late"]

    hear(run, second, {"doubtful": SURE, "found late": SURE})
    RunTags().take([files["doubtful"]])
    assert requested() == ["clear", "doubtful"]
    assert RunTags().follow_up(run, bool)
    assert requested() == ["clear", "doubtful", "found late"]
    run.refresh_from_db()
    assert (run.state, Run.FOLLOW_UP in run.options) == (Run.State.FINISHED, False)


def requested() -> list[str]:
    return list(WriteRequest.objects.order_by("file__path").values_list("file__path", flat=True))


def test_the_number_of_questions_does_not_grow_with_the_files(
    library: Library, rules: Rules, django_assert_max_num_queries
):
    for number in range(20):
        AudioFileFactory(library=library, path=f"{number:02}")
    run = submit(library, rules)
    assert run is not None
    hear(run, rules.classifiers[0], {f"{number:02}": UNSURE for number in range(20)})
    derive(rules)
    with django_assert_max_num_queries(15):
        assert ask_second_opinions(run=run, rules=rules) == 20
    assert close_finished_runs(run_ids=[run.pk]) == 0
