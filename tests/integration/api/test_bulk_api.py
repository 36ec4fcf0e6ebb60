"""Operations on many files: asked for over HTTP, worked off in slices, cut off and gone on with."""

from __future__ import annotations

import threading
import time
from pathlib import Path

import pytest
from django.contrib.auth.models import User
from django.db import connection, transaction
from rest_framework.test import APIClient

from earmark.classifiers.models import ClassifierVersion
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
from earmark.jobs.services import claim_jobs, submit_run
from earmark.library.access import Role
from earmark.library.models import AudioFile, Library
from earmark.library.services import record_stat, register_library, scan_library
from earmark.tagging.knowledge import TagPolicy
from earmark.tagging.models import Tag, TagBasis, TagChange, TagSet
from earmark.tagging.rules import rules_for
from earmark.tagging.services import (
    derive_file_tags,
    rederiving,
    set_file_tags,
    set_policy,
)
from earmark.writeback.models import TagWrite, WriteRequest
from earmark.writeback.services import WriteOutcome, begin_write, record_write
from earmark.writeback.undoing import undo_newest_write
from earmark_files.metadata import Policy, apply, plan_write, read_tags
from earmark_files.metadata import TagSet as FileTagSet
from tests.api_client import make_user, signed_in
from tests.factories import AudioFileFactory, ClassifierVersionFactory, make_sound, work_off
from tests.review_queue import hear

pytestmark = pytest.mark.django_db

BULK = "/api/v1/bulk"


@pytest.fixture
def library(tmp_path: Path) -> Library:
    """Five files that nobody has listened to."""
    library = register_library(root=tmp_path, trusted=True)
    AudioFileFactory.create_batch(5, library=library)
    return library


@pytest.fixture
def anna(library: Library) -> User:
    return make_user(Role.EDITOR, library)


@pytest.fixture
def client(anna: User) -> APIClient:
    return signed_in(anna)


@pytest.fixture
def slices_of_two(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(working, "SLICE", 2)


def work() -> BulkOperation | None:
    """Do the next operation."""
    return run_next_operation(worker="one", should_stop=bool)


def tagged(library: Library, word: str) -> int:
    return Tag.objects.accepted().filter(file__library=library, name=word).count()


def test_tags_of_many_files_are_changed_and_taken_back_as_one(
    client: APIClient, library: Library, anna: User
):
    body = {"library": library.pk, "operation": "add", "tags": ["Gate"], "comment": "all of it"}
    answer = client.post(BULK, body, format="json")
    assert answer.status_code == 202
    assert (answer.json()["state"], answer.json()["total"]) == ("queued", 5)
    assert tagged(library, "Gate") == 0

    work()
    told = client.get(answer["Location"]).json()
    assert (told["state"], told["done"], told["changed"], told["failed"]) == ("finished", 5, 5, 0)
    assert tagged(library, "Gate") == 5
    assert set(TagChange.objects.values_list("by", "comment")) == {(anna.pk, "all of it")}

    other = AudioFile.objects.filter(library=library)[0]
    set_file_tags(file=other, add=["Night"], by="ben")
    undoing = client.post(f"{answer['Location']}/undo")
    assert (undoing.status_code, undoing.json()["undoes"]) == (202, told["id"])
    work()
    assert (tagged(library, "Gate"), tagged(library, "Night")) == (0, 1)


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


def test_files_that_cannot_be_changed_are_named_and_the_others_are(
    client: APIClient, library: Library
):
    first = AudioFile.objects.filter(library=library).order_by("pk")[0]
    basis = TagBasis.objects.create(key="forgotten", rules_version=1)
    TagSet.objects.create(file=first, basis=basis, tags_key="x", created_at=first.first_seen_at)
    body = {"library": library.pk, "operation": "replace", "tags": ["Gate"]}
    place = client.post(BULK, body, format="json")["Location"]
    work()
    told = client.get(place).json()
    assert (told["state"], told["changed"], told["failed"]) == ("finished", 4, 1)
    assert [(one["file"], one["code"]) for one in told["problems"]] == [(first.pk, "tags_outdated")]


def test_files_whose_changes_cannot_be_taken_back_do_not_keep_the_others(
    client: APIClient, library: Library
):
    body = {"library": library.pk, "operation": "add", "tags": ["Gate"]}
    place = client.post(BULK, body, format="json")["Location"]
    work()
    first = AudioFile.objects.filter(library=library).order_by("pk")[0]
    TagSet.objects.filter(file=first).update(results=1)  # which nobody has kept

    undoing = client.post(f"{place}/undo")["Location"]
    work()
    told = client.get(undoing).json()
    assert (told["state"], told["changed"], told["failed"]) == ("finished", 4, 1)
    assert [(one["file"], one["code"]) for one in told["problems"]] == [(first.pk, "tags_outdated")]
    assert tagged(library, "Gate") == 1


def test_a_query_chooses_the_files_and_ids_do(client: APIClient, library: Library):
    files = list(AudioFile.objects.filter(library=library).order_by("pk"))
    set_file_tags(file=files[3], add=["Gate"], by="anna")
    body = {"library": library.pk, "operation": "remove", "tags": ["Gate"], "query": "tag:gate"}
    assert client.post(BULK, body, format="json").json()["total"] == 1
    work()
    assert tagged(library, "Gate") == 0

    ids = [files[0].pk, files[4].pk]
    body = {"library": library.pk, "operation": "add", "tags": ["Wind"], "files": ids}
    client.post(BULK, body, format="json")
    work()
    named = Tag.objects.filter(name="Wind").order_by("file").values_list("file", flat=True)
    assert list(named) == ids


@pytest.mark.parametrize(
    ("more", "code"),
    [
        ({"operation": "add"}, "invalid_tags"),
        ({"operation": "add", "tags": ["a,b"]}, "invalid_tags"),
        ({"operation": "undo", "tags": []}, "invalid_input"),
        ({"operation": "write", "query": "status:odd"}, "selection_invalid"),
        ({"operation": "write", "files": [999_999]}, "selection_invalid"),
    ],
)
def test_what_cannot_be_done_is_said_at_once(
    client: APIClient, library: Library, more: dict[str, object], code: str
):
    answer = client.post(BULK, {"library": library.pk, **more}, format="json")
    assert (answer.status_code, answer.json()["code"]) == (400, code)
    assert not BulkOperation.objects.exists()


def test_who_may_not_edit_may_not_ask_and_strangers_see_nothing(
    client: APIClient, library: Library
):
    body = {"library": library.pk, "operation": "add", "tags": ["Gate"]}
    place = client.post(BULK, body, format="json")["Location"]
    viewer, stranger = signed_in(make_user(Role.VIEWER, library)), signed_in(make_user())
    assert viewer.get(place).status_code == 200
    assert viewer.post(BULK, body, format="json").status_code == 403
    assert viewer.post(f"{place}/cancel").status_code == 403
    assert stranger.get(place).status_code == 404
    assert stranger.post(BULK, body, format="json").status_code == 404
    assert stranger.get(BULK).json()["results"] == []
    assert client.post(f"/api/v1/libraries/{library.pk}/policy/apply").status_code == 403


def test_files_are_classified_again_by_a_run(client: APIClient, library: Library, settings):
    classifier = ClassifierVersionFactory()
    body = {
        "library": library.pk,
        "operation": "rerun",
        "classifiers": [classifier.name],
        "files": [AudioFile.objects.filter(library=library)[0].pk],
    }
    place = client.post(BULK, body, format="json")["Location"]
    work()
    run = Run.objects.get()
    assert client.get(place).json()["run"] == run.pk
    assert run.jobs.count() == 1

    again = {**body, "files": None, "run": run.pk, "force": True}
    assert client.post(BULK, again, format="json").json()["total"] == 1
    work()
    assert Run.objects.latest("pk").jobs.count() == 1

    unknown = client.post(BULK, {**body, "classifiers": ["nobody"]}, format="json")
    work()
    told = client.get(unknown["Location"]).json()
    assert (told["state"], told["error_code"]) == ("failed", "classifier_unavailable")


def test_files_are_classified_again_by_one_run_though_the_worker_is_stopped(
    client: APIClient, library: Library
):
    name = ClassifierVersionFactory().name
    body = {"library": library.pk, "operation": "rerun", "classifiers": [name], "force": True}
    place = client.post(BULK, body, format="json")["Location"]

    run_next_operation(worker="one", should_stop=lambda: True)
    work()

    told = client.get(place).json()
    assert (told["state"], told["done"], told["total"]) == ("finished", 5, 5)
    assert told["run"] == Run.objects.get().pk


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


def test_a_policy_is_applied_to_what_was_heard(library: Library, tmp_path: Path):
    classifier: ClassifierVersion = ClassifierVersionFactory()
    make_sound(tmp_path / "real.wav", seed=3)
    scan_library(library=library)
    submit_run(library=library, classifiers=[classifier])
    work_off(claim_jobs(classifiers=[classifier], worker="w", limit=9), 0.9, 0.15, 0.01)
    file = AudioFile.objects.get(path="real.wav")
    derive_file_tags(files=[file], rules=rules_for(library, [classifier]))
    set_policy(policy=TagPolicy.with_threshold(0.1), library=library)
    manager = signed_in(make_user(Role.MANAGER, library))
    place = manager.post(f"/api/v1/libraries/{library.pk}/policy/apply")["Location"]
    work()
    told = manager.get(place).json()
    assert (told["state"], told["done"], told["total"]) == ("finished", 1, 1)
    assert tagged(library, "Dog") == 1


def test_what_was_derived_by_a_worker_that_lost_the_operation_leaves_no_trace(
    library: Library, monkeypatch: pytest.MonkeyPatch
):
    classifier = ClassifierVersionFactory()
    file = hear(library, classifier, 0.9, 0.15)
    derive_file_tags(files=[file], rules=rules_for(library, [classifier]))
    set_policy(policy=TagPolicy.with_threshold(0.1), library=library)
    manager = signed_in(make_user(Role.MANAGER, library))
    manager.post(f"/api/v1/libraries/{library.pk}/policy/apply")
    derive = rederiving.derive_file_tags

    def derive_while_it_is_lost(**asked: object) -> object:
        release_operations_of(dead_workers=["one"])
        return derive(**asked)

    monkeypatch.setattr(rederiving, "derive_file_tags", derive_while_it_is_lost)
    work()
    assert (tagged(library, "Dog"), BulkOperation.objects.get().done) == (0, 0)
    monkeypatch.setattr(rederiving, "derive_file_tags", derive)
    BulkOperation.objects.update(state="queued", worker="", lease_until=None)
    work()
    assert (tagged(library, "Dog"), BulkOperation.objects.get().done) == (1, 1)


def test_writes_are_asked_for_and_taken_back(client: APIClient, library: Library, tmp_path: Path):
    path = make_sound(tmp_path / "real.wav", seed=4)
    before = path.read_bytes()
    scan_library(library=library)
    file = AudioFile.objects.get(path="real.wav")
    set_file_tags(file=file, add=["Gate"], by="anna")

    assert client.post(f"/api/v1/files/{file.pk}/tag-writes/write").status_code == 202
    work()
    assert WriteRequest.objects.get().file == file

    write_as_a_worker_does(file)
    WriteRequest.objects.all().delete()
    assert read_tags(path).keywords == ("Gate",)
    place = client.post(f"/api/v1/files/{file.pk}/tag-writes/undo")["Location"]
    work()
    told = client.get(place).json()
    assert (told["state"], told["changed"], told["problems"]) == ("finished", 1, [])
    assert path.read_bytes() == before
    again = client.post(f"/api/v1/libraries/{library.pk}/tag-writes/undo")["Location"]
    work()
    assert (client.get(again).json()["changed"], client.get(again).json()["failed"]) == (0, 0)


def test_a_worker_that_died_after_taking_a_write_back_leaves_the_write_before_it(
    client: APIClient, library: Library, tmp_path: Path
):
    make_sound(tmp_path / "real.wav", seed=4)
    scan_library(library=library)
    file = AudioFile.objects.get(path="real.wav")
    set_file_tags(file=file, add=["Gate"], by="anna")
    write_as_a_worker_does(file)
    write_as_a_worker_does(file, "Rain")

    place = client.post(f"/api/v1/files/{file.pk}/tag-writes/undo")["Location"]
    assert claim_operation(worker="dead") is not None
    undo_newest_write(path=file.location)
    release_operations_of(dead_workers=["dead"])
    work()

    assert read_tags(file.location).keywords == ("Gate",)
    assert client.get(place).json()["changed"] == 1


def test_a_write_to_a_file_that_changed_since_is_not_taken_back(
    client: APIClient, library: Library, tmp_path: Path
):
    path = make_sound(tmp_path / "real.wav", seed=4)
    scan_library(library=library)
    file = AudioFile.objects.get(path="real.wav")
    set_file_tags(file=file, add=["Gate"], by="anna")
    write_as_a_worker_does(file)
    apply(plan_write(path, FileTagSet(keywords=("Kitchen",)), Policy.merge_keywords()))
    changed = path.read_bytes()

    place = client.post(f"/api/v1/files/{file.pk}/tag-writes/undo")["Location"]
    work()
    told = client.get(place).json()
    assert (told["changed"], told["failed"], told["problems"][0]["file"]) == (0, 1, file.pk)
    assert path.read_bytes() == changed


def test_a_slice_of_many_files_takes_as_many_queries_as_one_of_few(
    client: APIClient, library: Library, django_assert_max_num_queries
):
    AudioFileFactory.create_batch(60, library=library)
    body = {"library": library.pk, "operation": "add", "tags": ["Gate"]}
    client.post(BULK, body, format="json")
    with django_assert_max_num_queries(60):
        work()
    assert tagged(library, "Gate") == 65


def write_as_a_worker_does(file: AudioFile, word: str = "Gate") -> None:
    plan = plan_write(file.location, FileTagSet(keywords=(word,)), Policy.replace_own())
    key = TagSet.objects.get(file=file).tags_key
    row = begin_write(file_id=file.pk, tags_key=key, plan={}, undo=plan.undo.to_json())
    apply(plan)
    status = file.location.stat()
    outcome = WriteOutcome(TagWrite.State.WRITTEN, status.st_size, status.st_mtime_ns)
    record_write(write_id=row.pk, outcome=outcome)
    record_stat(file_id=file.pk, size=status.st_size, mtime_ns=status.st_mtime_ns)
