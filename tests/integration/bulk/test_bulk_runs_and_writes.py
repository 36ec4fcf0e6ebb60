"""Operations that classify, derive or write many files."""

from __future__ import annotations

from pathlib import Path

import pytest
from rest_framework.test import APIClient

from earmark.classifiers.models import ClassifierVersion
from earmark.exchange.bulk.models import BulkOperation
from earmark.exchange.bulk.services import (
    claim_operation,
    release_operations_of,
)
from earmark.exchange.bulk.working import run_next_operation
from earmark.jobs.models import Run
from earmark.jobs.services import claim_jobs, submit_run
from earmark.library.access import Role
from earmark.library.models import AudioFile, Library
from earmark.library.services import scan_library
from earmark.tagging.knowledge import TagPolicy
from earmark.tagging.rules import rules_for
from earmark.tagging.services import (
    derive_file_tags,
    rederiving,
    set_file_tags,
    set_policy,
)
from earmark.writeback.models import WriteRequest
from earmark.writeback.undoing import undo_newest_write
from earmark_files.metadata import Policy, apply, plan_write, read_tags
from earmark_files.metadata import TagSet as FileTagSet
from tests.api_client import make_user, signed_in
from tests.factories import ClassifierVersionFactory, make_sound, work_off
from tests.integration.bulk.operations import BULK, tagged, work, write_as_a_worker_does
from tests.review_queue import hear

pytestmark = pytest.mark.django_db


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
