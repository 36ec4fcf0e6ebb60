"""A library is forgotten over the API: by name, when nothing is under way, and no sound changes."""

from __future__ import annotations

from pathlib import Path

import pytest
from django.core.management import CommandError, call_command
from rest_framework.test import APIClient

from earmark.accounts.models import AuditEntry
from earmark.exchange.bulk import forgetting
from earmark.exchange.bulk.models import BulkOperation
from earmark.exchange.bulk.working import run_next_operation
from earmark.jobs.services import cancel_run
from earmark.library.access import Role
from earmark.library.models import AudioFile, Library
from earmark.library.services import register_library, request_scan, scan_library
from earmark.review.models import Decision, ReviewItem
from earmark.tagging.models import TagChange
from earmark.tagging.services import set_file_tags
from earmark.writeback.models import TagWrite, WriteRequest
from earmark.writeback.services import WriteOutcome, begin_write, record_write
from tests.api_client import make_user, signed_in
from tests.factories import JobFactory, LibraryFactory, make_sound

pytestmark = pytest.mark.django_db


@pytest.fixture
def library(tmp_path: Path) -> Library:
    """Three sounds that somebody has tagged, one of them with a write that could be undone."""
    for number in range(3):
        make_sound(tmp_path / "sounds" / f"{number}.wav", seed=number, seconds=0.1)
    library = register_library(root=tmp_path / "sounds", name="Foley", trusted=True)
    scan_library(library=library)
    for file in AudioFile.objects.all():
        set_file_tags(file=file, add=["Gate"], by="anna")
    file = AudioFile.objects.order_by("pk")[0]
    write = begin_write(file_id=file.pk, tags_key="1", plan={}, undo={"as": "before"})
    outcome = WriteOutcome(TagWrite.State.WRITTEN, file.size, file.mtime_ns)
    record_write(write_id=write.pk, outcome=outcome)
    return library


@pytest.fixture
def manager(library: Library) -> APIClient:
    return signed_in(make_user(Role.MANAGER, library))


def removal(library: Library) -> str:
    return f"/api/v1/libraries/{library.pk}/removal"


def sounds(library: Library) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in library.location.iterdir()}


def work(*, once: bool = False) -> None:
    run_next_operation(worker="one", should_stop=lambda: once)


def test_a_library_is_forgotten_slice_by_slice_and_its_sounds_stay(
    manager: APIClient, library: Library, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(forgetting, "SLICE", 2)
    before = sounds(library)
    told = manager.get(removal(library)).json()
    counts = {"files": 3, "changes": 3, "writes": 1, "renames": 0, "runs": 0}
    assert told == {"name": "Foley", **counts, "activity": []}

    answer = manager.post(removal(library), {"name": "Foley"})
    assert (answer.status_code, answer.json()["operation"]) == (202, "forget")
    assert manager.post(removal(library), {"name": "Foley"}).status_code == 409
    work(once=True)
    assert manager.get(answer["Location"]).json()["done"] == 2
    work()

    assert manager.get(answer["Location"]).status_code == 404
    assert not (Library.objects.exists() or AudioFile.objects.exists())
    assert not (TagChange.objects.exists() or TagWrite.objects.exists())
    assert sounds(library) == before
    entry = AuditEntry.objects.get(act="library_removed")
    assert (entry.object_name, entry.details["writes"]) == ("Foley", 1)


def test_another_name_or_a_lower_role_forgets_nothing(manager: APIClient, library: Library):
    for name in ("foley", " Foley", ""):
        assert manager.post(removal(library), {"name": name}).status_code == 400
    editor = signed_in(make_user(Role.EDITOR, library))
    assert editor.post(removal(library), {"name": "Foley"}).status_code == 403
    assert editor.get(removal(library)).status_code == 403
    assert signed_in(make_user()).get(removal(library)).status_code == 404
    assert not BulkOperation.objects.exists()


def test_what_is_under_way_is_named_and_in_the_way(manager: APIClient, library: Library):
    file = AudioFile.objects.order_by("pk")[0]
    run = JobFactory(run__library=library, file=file).run
    write = begin_write(file_id=file.pk, tags_key="2", plan={}, undo={})
    assert manager.get(removal(library)).json()["activity"] == ["a run", "a write"]

    refused = manager.post(removal(library), {"name": "Foley"})

    assert (refused.status_code, refused.json()["code"]) == (409, "library_busy")
    assert refused.json()["context"] == {"activity": ["a run", "a write"]}
    cancel_run(run=run)
    record_write(write_id=write.pk, outcome=WriteOutcome(TagWrite.State.UNCHANGED))
    request_scan(library=library)
    assert manager.post(removal(library), {"name": "Foley"}).status_code == 202
    assert not library.scans.open().exists()


def test_a_write_that_begins_meanwhile_stops_the_forgetting_and_keeps_its_undo_record(
    manager: APIClient, library: Library, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(forgetting, "SLICE", 1)
    place = manager.post(removal(library), {"name": "Foley"})["Location"]
    last = AudioFile.objects.order_by("-pk")[0]
    begin_write(file_id=last.pk, tags_key="2", plan={}, undo={})
    work()

    told = manager.get(place).json()
    assert (told["state"], told["error_code"], told["done"]) == ("failed", "library_busy", 2)
    assert TagWrite.objects.get().file_id == last.pk


def test_nothing_of_other_libraries_goes_and_writes_that_wait_do_not_begin(
    manager: APIClient, library: Library
):
    other = JobFactory(run__library=LibraryFactory()).run
    file = AudioFile.objects.filter(library=library)[0]
    WriteRequest.objects.create(file=file, library=library, tags_key="1")

    manager.post(removal(library), {"name": "Foley"})

    assert not WriteRequest.objects.exists()
    work()
    assert Library.objects.get() == other.library
    assert other.jobs.count() == 1


def test_what_reviewers_said_stays_in_their_log(manager: APIClient, library: Library):
    file = AudioFile.objects.all()[0]
    item = ReviewItem.objects.create(
        library=library, file=file, name="Dog", score=0.2, kind=ReviewItem.Kind.BAND, rank=1
    )
    said = {"item": item.pk, "action": "reject"}
    assert manager.post("/api/v1/review/decisions", said).status_code == 201
    manager.post(removal(library), {"name": "Foley"})

    work()

    assert not (Library.objects.exists() or ReviewItem.objects.exists())
    assert Decision.objects.get().action == "reject"


def test_the_command_waits_for_what_is_under_way_too(library: Library):
    run = JobFactory(run__library=library, file=AudioFile.objects.all()[0]).run
    with pytest.raises(CommandError, match="a run under way"):
        call_command("library", "remove", "Foley", "--yes")
    cancel_run(run=run)

    call_command("library", "remove", "Foley", "--yes")

    assert not Library.objects.exists()
