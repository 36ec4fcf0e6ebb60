"""The queue of writes, and tags that two workers derive at once."""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from earmark.jobs.models import Run
from earmark.jobs.services import claim_jobs, submit_run
from earmark.library.models import AudioFile, Library
from earmark.library.services import lock_files, register_library, scan_library
from earmark.tagging.knowledge import TagPolicy
from earmark.tagging.models import Tag
from earmark.tagging.rules import Rules
from earmark.tagging.services import derive_file_tags
from earmark.writeback.asking import request_writes
from earmark.writeback.models import TagWrite, WriteRequest
from earmark.writeback.write_queue import (
    ClaimedBatch,
    claim_writes,
    finish_writes,
    list_due_requests,
    list_writers,
    postpone_write,
    release_writes,
    renew_writes,
    requeue_lost_writes,
)
from earmark_files.metadata import TagSet
from earmark_workers.pipeline.file_writes import WriteOrder
from earmark_workers.pipeline.run_tags import list_runs_to_follow_up
from earmark_workers.pipeline.writing import Writing
from tests.factories import (
    AudioFileFactory,
    ClassifierVersionFactory,
    LibraryFactory,
    RunFactory,
    make_sound,
    work_off,
)
from tests.two_connections import elsewhere

pytestmark = pytest.mark.django_db


@pytest.fixture
def run(tmp_path: Path) -> Run:
    return RunFactory(library=LibraryFactory(root=str(tmp_path)))


def ask(run: Run, number: int) -> list[int]:
    """Ask for the writes of new files; return their ids."""
    ids = [AudioFileFactory(library=run.library).pk for _ in range(number)]
    request_writes(run=run, tags_keys=dict.fromkeys(ids, "first"))
    return ids


def claim(worker: str = "one", threads: int = 2, limit: int = 10) -> ClaimedBatch:
    batch = claim_writes(worker=worker, threads=threads, limit=limit)
    assert batch is not None
    return batch


def test_a_file_has_one_writer_and_a_settled_request_is_gone(run: Run, settings):
    settings.EARMARK_WRITES_PER_VOLUME = 8
    ids = ask(run, 3)

    first, second = claim("one", limit=2), claim("two")

    files = [write.file_id for batch in (first, second) for write in batch.writes]
    assert sorted(files) == ids
    finish_writes(tags_keys=dict.fromkeys([*first.writes, *second.writes], "first"))
    assert WriteRequest.objects.count() == 0


def test_tags_that_change_while_they_are_written_are_written_again(run: Run):
    (file_id,) = ask(run, 1)
    batch = claim()
    request_writes(run=run, tags_keys={file_id: "second"})

    finish_writes(tags_keys={batch.writes[0]: "first"})

    assert list_due_requests().get().tags_key == "second"


def test_all_workers_together_keep_to_the_limit_of_a_volume(run: Run, tmp_path: Path, settings):
    settings.EARMARK_WRITES_PER_VOLUME = 3
    (tmp_path / "other").mkdir()
    other = RunFactory(library=LibraryFactory(root=str(tmp_path / "other")))
    ask(run, 4)
    ask(other, 4)

    first, second = claim("one", threads=2, limit=1), claim("two", threads=2, limit=1)

    assert (first.slots, second.slots) == (2, 1)
    assert claim_writes(worker="three", threads=2, limit=1) is None
    release_writes(writes=first.writes)
    assert claim("three", limit=1).slots == 2


def test_a_library_that_is_offline_waits_and_others_go_on(run: Run):
    away = RunFactory()
    ask(away, 1)
    assert claim_writes(worker="one", threads=1, limit=1) is None
    ask(run, 1)
    assert claim().library == run.library


def test_a_writer_that_lost_its_lease_changes_nothing_any_more(run: Run):
    ask(run, 1)
    late = claim("late").writes
    past = timezone.now() - timedelta(minutes=5)
    WriteRequest.objects.update(lease_until=past)
    assert requeue_lost_writes() == 1
    claim("next")

    renew_writes(writes=late, worker="late")
    finish_writes(tags_keys={late[0]: "first"})
    postpone_write(write=late[0])

    row = WriteRequest.objects.get()
    assert (row.worker, row.failures) == ("next", 0)


def test_a_file_whose_writers_keep_dying_is_given_up_with_the_reason(run: Run, settings):
    settings.EARMARK_JOB_MAX_LOST_LEASES = 2
    ask(run, 1)
    for worker in ("one", "two"):
        claim(worker)
        requeue_lost_writes(dead_workers=[worker])

    assert WriteRequest.objects.count() == 0
    assert TagWrite.objects.get().error_code == "worker_killed"


def test_a_write_that_may_succeed_later_is_tried_three_times(run: Run):
    ask(run, 1)
    for _ in range(2):
        postpone_write(write=claim().writes[0])
        assert not list_due_requests().exists()
        WriteRequest.objects.update(due_at=timezone.now() - timedelta(seconds=1))
    postpone_write(write=claim().writes[0])

    assert WriteRequest.objects.count() == 0


def test_tags_that_come_while_older_ones_fail_for_the_last_time_are_tried_afresh(run: Run):
    (file_id,) = ask(run, 1)
    WriteRequest.objects.update(failures=2)
    (write,) = claim().writes
    request_writes(run=run, tags_keys={file_id: "second"})

    postpone_write(write=write)

    row = list_due_requests().get()
    assert (row.tags_key, row.failures) == ("second", 0)


def test_newer_tags_wait_no_longer_for_those_that_could_not_be_written(run: Run):
    first, second = ask(run, 2)
    for write in claim().writes:
        postpone_write(write=write)

    request_writes(run=run, tags_keys={first: "second", second: "first"})

    assert list_due_requests().get().file_id == first
    failures = WriteRequest.objects.order_by("file").values_list("failures", flat=True)
    assert list(failures) == [0, 1]


@pytest.mark.skipif(connection.vendor != "sqlite", reason="reads plans of SQLite")
def test_what_the_clock_asks_takes_no_longer_for_a_million_files_that_wait():
    assert "writeback_request_lease_idx" in list_writers().explain()

    with CaptureQueriesContext(connection) as asked:
        list_runs_to_follow_up()
    with connection.cursor() as cursor:
        cursor.execute(f"EXPLAIN QUERY PLAN {asked[0]['sql']}")
        plan = "\n".join(row[-1] for row in cursor.fetchall())
    assert "jobs_job_run_state_idx (run_id=? AND state=?)" in plan


@pytest.mark.django_db(transaction=True)
def test_two_workers_that_derive_one_file_at_once_leave_one_set_of_tags(tmp_path: Path):
    classifier = ClassifierVersionFactory()
    make_sound(tmp_path / "a.wav")
    library: Library = register_library(root=tmp_path, trusted=True)
    scan_library(library=library)
    submit_run(library=library, classifiers=[classifier])
    work_off(claim_jobs(classifiers=[classifier], worker="w", limit=9), 0.9, 0.15, 0.01)
    files = list(AudioFile.objects.all())
    begun = threading.Event()

    def derive_other() -> None:
        begun.set()
        derive_file_tags(files=files, rules=Rules((classifier,), TagPolicy(accept=0.3)))
        connection.close()

    other = threading.Thread(target=derive_other)
    with transaction.atomic():
        derive_file_tags(files=files, rules=Rules((classifier,), TagPolicy(accept=0.2)))
        other.start()
        begun.wait()
        other.join(1.0)  # long enough to get to the rows, if nothing held it back
    other.join()

    names = list(Tag.objects.values_list("name", flat=True))
    assert len(names) == len(set(names)) > 0


@pytest.mark.django_db(transaction=True)
def test_who_records_writes_and_who_derives_tags_do_not_wait_in_a_circle(tmp_path: Path):
    for name in ("a.wav", "b.wav"):
        make_sound(tmp_path / name)
    library = register_library(root=tmp_path, trusted=True)
    scan_library(library=library)
    a, b = library.files.order_by("pk")
    planned = threading.Semaphore(0)
    writing = Writing(threads=1, dry_run=False, ring=planned.release)
    nothing = TagSet()
    writing.add(
        [
            WriteOrder(file.pk, file.location, file.size, file.mtime_ns, "", "", "", nothing)
            for file in (b, a)
        ]
    )
    writing.step()
    assert planned.acquire(timeout=10)  # both, as it rings for all there is

    with elsewhere(lambda: lock_files(file_ids=[a.pk]), lambda: lock_files(file_ids=[b.pk])):
        written = writing.step()
    writing.close()

    assert [(one.order.file_id, one.code) for one in written] == [(b.pk, ""), (a.pk, "")]


@pytest.mark.django_db(transaction=True)
def test_who_settles_requests_and_who_asks_again_do_not_wait_in_a_circle(run: Run):
    a, b = ask(run, 2)
    held = {write.file_id: write for write in claim().writes}

    def again(file_id: int) -> Callable[[], None]:
        return lambda: request_writes(run=run, tags_keys={file_id: "second"})

    with elsewhere(again(a), again(b)):
        finish_writes(tags_keys={held[b]: "first", held[a]: "first"})

    assert set(list_due_requests().values_list("file", "tags_key")) == {
        (a, "second"),
        (b, "second"),
    }
