"""Operations on many files whose workers are cut off, lost, too slow or at fault."""

from __future__ import annotations

import threading
import time

import pytest
from django.db import connection, transaction
from rest_framework.test import APIClient

from earmark.exchange.bulk import working
from earmark.exchange.bulk.errors import OperationLostError
from earmark.exchange.bulk.models import BulkOperation
from earmark.exchange.bulk.services import (
    advance,
    claim_operation,
    hold_operation,
    release_operations_of,
)
from earmark.exchange.bulk.working import run_next_operation
from earmark.jobs.models import Run
from earmark.jobs.services import submit_run
from earmark.library.models import AudioFile, Library
from earmark.tagging.models import TagChange
from tests.factories import ClassifierVersionFactory
from tests.integration.bulk.operations import BULK, tagged, work

pytestmark = pytest.mark.django_db


def test_an_operation_that_is_cut_off_goes_on_where_it_was(
    client: APIClient, library: Library, slices_of_two: None
):
    body = {"library": library.pk, "operation": "add", "tags": ["Gate"]}
    place = client.post(BULK, body, format="json")["Location"]
    stopped = run_next_operation(worker="one", should_stop=lambda: True)
    assert stopped is not None
    assert client.get(place).json()["state"] == "queued"
    assert (client.get(place).json()["done"], tagged(library, "Gate")) == (2, 2)

    dead = claim_operation(worker="dead")
    assert dead is not None
    assert run_next_operation(worker="two", should_stop=bool) is None
    assert release_operations_of(dead_workers=["dead"]) == 1
    run_next_operation(worker="two", should_stop=bool)

    assert client.get(place).json()["state"] == "finished"
    assert (client.get(place).json()["done"], tagged(library, "Gate")) == (5, 5)
    assert TagChange.objects.count() == 5
    with pytest.raises(OperationLostError):
        advance(operation=dead, cursor=99, done=1, changed=1)


def test_a_slice_of_a_worker_that_lost_the_operation_leaves_no_trace(
    client: APIClient, library: Library, monkeypatch: pytest.MonkeyPatch
):
    body = {"library": library.pk, "operation": "add", "tags": ["Gate"]}
    place = client.post(BULK, body, format="json")["Location"]

    find = working._next_files

    def find_while_somebody_cancels(operation: BulkOperation) -> list[AudioFile]:
        files = find(operation)
        assert client.post(f"{place}/cancel").json()["state"] == "cancelled"
        return files

    monkeypatch.setattr(working, "_next_files", find_while_somebody_cancels)
    work()
    assert (tagged(library, "Gate"), TagChange.objects.count()) == (0, 0)
    assert client.get(place).json()["done"] == 0
    assert client.post(f"{place}/cancel").status_code == 409


@pytest.mark.skipif("connection.vendor == 'sqlite'", reason="there is one writer at a time")
@pytest.mark.django_db(transaction=True)
def test_what_is_in_a_long_step_says_so_instead_of_keeping_who_cancels_it(
    client: APIClient, library: Library
):
    body = {"library": library.pk, "operation": "add", "tags": ["Gate"]}
    place = client.post(BULK, body, format="json")["Location"]
    operation = claim_operation(worker="one")
    assert operation is not None
    holding, asked = threading.Event(), threading.Event()

    def hold() -> None:
        with transaction.atomic():
            hold_operation(operation=operation)
            holding.set()
            asked.wait(timeout=10)
        connection.close()

    one = threading.Thread(target=hold)
    one.start()
    assert holding.wait(timeout=10)
    answer = client.post(f"{place}/cancel")
    asked.set()
    one.join(timeout=10)
    assert (answer.status_code, answer.json()["code"]) == (409, "operation_busy")
    assert client.post(f"{place}/cancel").json()["state"] == "cancelled"


@pytest.mark.django_db(transaction=True)
def test_a_run_that_takes_longer_to_submit_than_the_lease_is_submitted_once(
    client: APIClient, library: Library, settings, monkeypatch: pytest.MonkeyPatch
):
    settings.EARMARK_JOB_LEASE_SECONDS = 0  # every lease is over as soon as it is given
    body = {"library": library.pk, "operation": "rerun", "classifiers": []}
    body["classifiers"] = [ClassifierVersionFactory().name]
    place = client.post(BULK, body, format="json")["Location"]
    submitting = threading.Event()

    def submit_slowly(**asked: object) -> Run | None:
        run = submit_run(**asked)
        submitting.set()
        time.sleep(0.4)
        return run

    monkeypatch.setattr(working, "submit_run", submit_slowly)

    def work_in_a_thread() -> None:
        run_next_operation(worker="one", should_stop=bool)
        connection.close()

    one = threading.Thread(target=work_in_a_thread)
    one.start()
    assert submitting.wait(timeout=10)
    run_next_operation(worker="two", should_stop=bool)
    one.join(timeout=20)
    work()

    told = client.get(place).json()
    assert (told["state"], told["run"]) == ("finished", Run.objects.get().pk)
    assert Run.objects.get().jobs.count() == 5


def test_what_workers_fail_at_again_and_again_is_given_up_and_what_is_done_is_kept(
    client: APIClient, library: Library, slices_of_two: None, monkeypatch: pytest.MonkeyPatch
):
    body = {"library": library.pk, "operation": "add", "tags": ["Gate"]}
    place = client.post(BULK, body, format="json")["Location"]
    find = working._next_files

    def find_two_and_break(operation: BulkOperation) -> list[AudioFile]:
        if operation.cursor:
            raise ZeroDivisionError
        return find(operation)

    monkeypatch.setattr(working, "_next_files", find_two_and_break)
    for _ in range(3):
        assert client.get(place).json()["state"] == "queued"
        work()
    assert work() is None
    told = client.get(place).json()
    assert (told["state"], told["error_code"], told["done"]) == ("failed", "worker_failed", 2)
    assert "ZeroDivisionError" in told["error_message"]
    assert tagged(library, "Gate") == 2

    client.post(f"{place}/undo")
    monkeypatch.setattr(working, "_next_files", find)
    work()
    assert tagged(library, "Gate") == 0


def test_what_loses_its_worker_again_and_again_is_given_up_and_others_have_their_turn(
    client: APIClient, library: Library, settings
):
    body = {"library": library.pk, "operation": "add", "tags": ["Gate"]}
    bad, good = (client.post(BULK, body, format="json")["Location"] for _ in range(2))
    claim_operation(worker="dead")
    release_operations_of(dead_workers=["dead"])
    settings.EARMARK_JOB_LEASE_SECONDS = -1
    claim_operation(worker="stuck")
    claim_operation(worker="stuck")
    settings.EARMARK_JOB_LEASE_SECONDS = 60

    work()
    told = client.get(bad).json()
    assert (told["state"], told["error_code"]) == ("failed", "worker_killed")
    assert client.get(good).json()["state"] == "finished"


def test_workers_that_get_further_may_be_lost_as_often_as_they_like(
    client: APIClient, library: Library, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(working, "SLICE", 1)
    body = {"library": library.pk, "operation": "add", "tags": ["Gate"]}
    place = client.post(BULK, body, format="json")["Location"]
    for _ in range(4):
        dead = claim_operation(worker="dead")
        assert dead is not None
        next(iter(working._change_tags(dead)))
        release_operations_of(dead_workers=["dead"])
    work()
    told = client.get(place).json()
    assert (told["state"], told["changed"], tagged(library, "Gate")) == ("finished", 5, 5)
