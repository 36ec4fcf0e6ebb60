"""Something unforeseen happens in one kind of work: the others go on, and it is tried again."""

from __future__ import annotations

import io
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest
from django.contrib.auth.models import User
from django.test import override_settings
from rich.console import Console
from structlog.testing import capture_logs

from earmark.exchange.bulk.models import BulkOperation
from earmark.exchange.bulk.services import submit_operation
from earmark.jobs.models import Job, Run
from earmark.library.models import Library, Scan
from earmark.library.services import register_library, request_scan
from earmark.search.models import SearchDocument
from earmark_workers.pipeline import attempts, serving, upkeep
from earmark_workers.pipeline.attempts import Attempt
from earmark_workers.pipeline.caretaker import Caretaker
from earmark_workers.pipeline.run_tags import RunTags, list_runs_to_follow_up
from earmark_workers.pipeline.serving import Server
from earmark_workers.pipeline.slices import Slice
from earmark_workers.pipeline.stopping import StopRequest
from earmark_workers.pipeline.write_host import WriteHost
from earmark_workers.report.progress import ProgressLine
from tests.factories import AudioFileFactory, JobFactory, RunFactory, make_sound
from tests.tag_harness import wait_for

pytestmark = pytest.mark.django_db(transaction=True)


def broken(*_: object, **__: object) -> bool:
    raise ZeroDivisionError("nobody has thought of this")


@pytest.fixture
def stop() -> Iterator[StopRequest]:
    made = StopRequest()
    yield made
    made.close()


@pytest.fixture
def server(stop: StopRequest, monkeypatch: pytest.MonkeyPatch) -> Server:
    monkeypatch.setattr(attempts, "FIRST_REST_S", 0.0)
    quiet = Console(file=io.StringIO())
    return Server(
        stop=stop,
        workers=1,
        progress=lambda files, size: ProgressLine(quiet, files=files, size=size),
        scanned=lambda scan: None,
        worked=lambda run, totals: None,
    )


@pytest.fixture
def library(tmp_path: Path) -> Library:
    make_sound(tmp_path / "a.wav")
    return register_library(root=tmp_path, trusted=True)


def test_what_breaks_off_is_logged_and_rests_longer_each_time(monkeypatch: pytest.MonkeyPatch):
    now = [0.0]
    monkeypatch.setattr(attempts.time, "monotonic", lambda: now[0])
    faults = [KeyError("a"), KeyError("b"), OSError("away")]
    tried: list[float] = []

    def work() -> bool:
        tried.append(now[0])
        if faults:
            raise faults.pop(0)
        return True

    attempt = Attempt("work", work)
    with capture_logs() as logged:
        done = [attempt() for now[0] in range(8)]

    assert tried == [0, 1, 3, 7]
    assert done == [False] * 7 + [True]
    assert attempt.error is None
    assert [(row["log_level"], row.get("exc_info")) for row in logged] == [
        ("error", True),
        ("error", True),
        ("warning", None),  # an outage needs no traceback
    ]


def test_a_fault_in_one_kind_of_work_leaves_the_others_their_turns(
    server: Server, library: Library, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(upkeep, "index_changes", broken)
    monkeypatch.setattr(serving, "list_due_requests", broken)
    request_scan(library=library)

    with pytest.raises(ZeroDivisionError), capture_logs() as logged:
        server.serve(until_idle=True)

    assert Scan.objects.get().state == Scan.State.SUCCEEDED
    assert {row["kind"] for row in logged if "kind" in row} == {"search index", "writes"}


def test_a_run_that_always_breaks_off_is_given_up_with_the_reason_and_holds_up_no_other(
    server: Server, monkeypatch: pytest.MonkeyPatch
):
    bad, good = JobFactory(), JobFactory()
    for job in (bad, good):
        job.run.classifiers.add(job.classifier)
    worked = server._work_on

    def work_on(run: Run) -> bool:
        return broken() if run == bad.run else worked(run)

    monkeypatch.setattr(server, "_work_on", work_on)

    for _ in range(serving.MOST_BREAKS):
        with suppress(ZeroDivisionError):
            server.serve(until_idle=True)

    reasons = dict(Job.objects.values_list("pk", "reason_code"))
    assert reasons == {bad.pk: "internal_error", good.pk: "classifier_unavailable"}
    assert set(Run.objects.values_list("state", flat=True)) == {Run.State.FINISHED}


def test_a_run_whose_end_breaks_off_holds_up_no_other_and_is_tried_again(
    stop: StopRequest, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(attempts, "FIRST_REST_S", 0.0)
    bad, good = (RunFactory(options={Run.FOLLOW_UP: True, "write": False}) for _ in range(2))
    assert list_runs_to_follow_up() == [bad, good]
    host = WriteHost(threads=1)
    rules_of = RunTags.rules_of

    with monkeypatch.context() as fault, capture_logs() as logged:
        fault.setattr(
            RunTags, "rules_of", lambda tags, run: (broken if run == bad else rules_of)(tags, run)
        )
        host.serve(Slice(stop, 60.0))

    assert list_runs_to_follow_up() == [bad]
    assert [row["kind"] for row in logged if "kind" in row] == [f"end of run {bad.pk}"]

    host.serve(Slice(stop, 60.0))
    assert list_runs_to_follow_up() == []


@override_settings(EARMARK_TICK_SECONDS=0.2)
def test_the_search_and_operations_go_on_while_this_process_is_at_something_long(
    stop: StopRequest, admin_user: User
):
    file = AudioFileFactory()
    operation = submit_operation(
        library=file.library,
        kind=BulkOperation.Kind.ADD,
        requested_by=admin_user,
        options={"tags": ["Rain"]},
    )

    with Caretaker(stop=stop).beside():
        wait_for(lambda: BulkOperation.objects.get().state == BulkOperation.State.FINISHED)
        wait_for(lambda: SearchDocument.objects.filter(file_id=file.pk).exists())

    operation.refresh_from_db()
    assert operation.changed == 1
