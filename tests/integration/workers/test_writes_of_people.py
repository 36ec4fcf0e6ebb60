"""What people say about tags gets into the files, as what a person said, and out of them again."""

from __future__ import annotations

import math
import os
import time
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from django.utils import timezone

from earmark.classifiers.models import ClassifierVersion
from earmark.jobs.services import claim_jobs, complete_jobs, submit_run
from earmark.library.models import AudioFile, Library
from earmark.library.services import register_library, scan_library
from earmark.tagging.rules import rules_for
from earmark.tagging.services import derive_file_tags, set_file_tags, undo_change
from earmark.writeback.asking import request_writes_of
from earmark.writeback.models import TagWrite, WriteRequest
from earmark.writeback.undoing import undo_newest_write
from earmark_files.identity import audio_identity
from earmark_files.metadata import Policy, TagSet, apply, plan_write, read_tags
from earmark_workers import tasks
from earmark_workers.pipeline import write_host
from earmark_workers.pipeline.file_writes import WriteOrder
from earmark_workers.pipeline.slices import Slice
from earmark_workers.pipeline.stopping import StopRequest
from earmark_workers.pipeline.write_host import WriteHost
from tests.factories import ClassifierVersionFactory, identify, make_sound, result_of

pytestmark = pytest.mark.django_db


@pytest.fixture
def classifier() -> ClassifierVersion:
    return ClassifierVersionFactory()


@pytest.fixture
def library(tmp_path: Path, classifier: ClassifierVersion) -> Library:
    """One tagged file with a keyword of somebody else, and one that nobody has listened to."""
    apply(
        plan_write(
            make_sound(tmp_path / "a.wav", seed=1),
            TagSet(keywords=("Kitchen",), by_person=True),
            Policy(),
        )
    )
    library = register_library(root=tmp_path, trusted=True)
    scan_library(library=library)
    submit_run(library=library, classifiers=[classifier])
    (job,) = claim_jobs(classifiers=[classifier], worker="w", limit=9)
    identify([job], audio=audio_identity(job.location).hash)  # the real one: writing verifies it
    complete_jobs(results=[result_of(job, 0.9, 0.15, 0.01)])
    derive_file_tags(files=library.files.all(), rules=rules_for(library, [classifier]))
    make_sound(tmp_path / "b.wav", seed=2)
    scan_library(library=library)
    return library


@pytest.fixture
def file(library: Library) -> AudioFile:
    return library.files.select_related("library").get(path="a.wav")


@pytest.fixture
def stop() -> Iterator[StopRequest]:
    with StopRequest() as request:
        yield request


def write_all(stop: StopRequest) -> None:
    """Work off the queue as a worker does."""
    WriteHost(threads=1).serve(Slice(stop, math.inf))
    assert not WriteRequest.objects.exists()


def keywords(file: AudioFile) -> set[str]:
    return set(read_tags(file.location).keywords)


def test_tags_are_written_as_they_are_when_somebody_asks(file: AudioFile, stop: StopRequest):
    set_file_tags(file=file, add=["Gate"], remove=["Male speech"], by="anna")
    assert request_writes_of(file_ids=[file.pk], only_kept=False) == 1
    write_all(stop)

    assert keywords(file) == {"Kitchen", "Gate"}
    own = read_tags(file.location)
    assert own.own_keywords == ("Gate",)
    assert TagWrite.objects.get().state == "written"
    assert request_writes_of(file_ids=[file.pk], only_kept=False) == 0


def test_a_change_follows_into_files_that_are_kept_up_and_out_again(
    file: AudioFile, stop: StopRequest
):
    change = set_file_tags(file=file, add=["Gate"], by="anna")
    assert request_writes_of(file_ids=[file.pk], only_kept=True) == 0
    request_writes_of(file_ids=[file.pk], only_kept=False)
    write_all(stop)
    assert "Gate" in keywords(file)

    undo_change(change=change, by="anna")
    assert request_writes_of(file_ids=[file.pk], only_kept=True) == 1
    write_all(stop)
    assert keywords(file) == {"Kitchen", "Male speech", "Man speaking"}


def test_a_file_whose_write_was_taken_back_is_left_alone(file: AudioFile, stop: StopRequest):
    request_writes_of(file_ids=[file.pk], only_kept=False)
    write_all(stop)
    assert undo_newest_write(path=file.location) is not None

    set_file_tags(file=file, add=["Gate"], by="anna")
    assert request_writes_of(file_ids=[file.pk], only_kept=True) == 0


def test_a_change_that_comes_while_a_request_is_found_needless_is_written(
    file: AudioFile, stop: StopRequest, monkeypatch: pytest.MonkeyPatch
):
    request_writes_of(file_ids=[file.pk], only_kept=False)
    write_all(stop)
    WriteRequest.objects.create(
        file=file, library=file.library, tags_key=TagWrite.objects.get().tags_key
    )
    find = write_host.orders_by_basis

    def find_while_somebody_changes_tags(library: Library, file_ids: list[int]) -> list[WriteOrder]:
        orders = find(library, file_ids)
        monkeypatch.setattr(write_host, "orders_by_basis", find)
        set_file_tags(file=file, add=["Gate"], by="anna")
        assert request_writes_of(file_ids=[file.pk], only_kept=True) == 1
        return orders

    monkeypatch.setattr(write_host, "orders_by_basis", find_while_somebody_changes_tags)
    write_all(stop)
    assert "Gate" in keywords(file)


def test_words_get_into_a_file_that_nobody_has_listened_to(library: Library, stop: StopRequest):
    file = library.files.select_related("library").get(path="b.wav")
    set_file_tags(file=file, add=["Gate", "Dog"], by="anna")
    request_writes_of(file_ids=[file.pk], only_kept=False)
    write_all(stop)
    tags = read_tags(file.location)
    assert set(tags.own_keywords) == {"Gate", "Dog"}
    assert tags.get("description") == "Dog"


def test_who_is_behind_a_word_is_told_in_the_file(
    file: AudioFile, classifier: ClassifierVersion, stop: StopRequest
):
    set_file_tags(file=file, add=["Gate"], by="anna")
    request_writes_of(file_ids=[file.pk], only_kept=False)
    write_all(stop)
    own = read_tags(file.location).provenance.own["keywords"]
    assert own["Gate"] == ("person",)
    assert own["Male speech"] == (classifier.identity,)


def test_an_operation_that_takes_all_its_time_leaves_files_theirs(
    file: AudioFile, monkeypatch: pytest.MonkeyPatch, settings
):
    settings.EARMARK_SLICE_SECONDS = 0.5
    monkeypatch.setattr(tasks, "run_next_operation", lambda **_: time.sleep(0.5))
    request_writes_of(file_ids=[file.pk], only_kept=False)
    tasks.write()
    assert TagWrite.objects.get().state == "written"


def change_metadata(file: AudioFile) -> None:
    """Do what another program does that lets people type a description."""
    plan = plan_write(file.location, TagSet(description="Wind", by_person=True), Policy())
    assert not plan.is_noop
    apply(plan)


def test_a_file_whose_metadata_somebody_else_has_changed_gets_its_tags(
    file: AudioFile, stop: StopRequest
):
    set_file_tags(file=file, add=["Gate"], by="anna")
    request_writes_of(file_ids=[file.pk], only_kept=False)
    change_metadata(file)
    write_all(stop)
    assert {"Kitchen", "Gate"} <= keywords(file)
    assert read_tags(file.location).get("description") == "Wind"
    assert request_writes_of(file_ids=[file.pk], only_kept=False) == 0


def test_a_scan_that_sees_the_change_first_keeps_no_tags_out_of_the_file(
    file: AudioFile, stop: StopRequest
):
    set_file_tags(file=file, add=["Gate"], by="anna")
    request_writes_of(file_ids=[file.pk], only_kept=False)
    change_metadata(file)
    scan_library(library=file.library)
    write_all(stop)
    assert "Gate" in keywords(file)


def test_a_file_that_somebody_is_at_gets_its_tags_when_it_has_come_to_rest(
    file: AudioFile, stop: StopRequest
):
    Library.objects.update(settle_seconds=3600)
    request_writes_of(file_ids=[file.pk], only_kept=False)
    change_metadata(file)
    WriteHost(threads=1).serve(Slice(stop, math.inf))

    assert TagWrite.objects.get().error_code == "changed_during_run"
    request = WriteRequest.objects.get()
    assert request.due_at > timezone.now()

    an_hour_ago = time.time() - 3700
    os.utime(file.location, (an_hour_ago, an_hour_ago))
    WriteRequest.objects.update(due_at=timezone.now() - timedelta(seconds=1))
    write_all(stop)
    assert "Male speech" in keywords(file)


def test_tags_of_another_sound_stay_out_of_a_file_and_it_is_told_why(
    file: AudioFile, stop: StopRequest
):
    request_writes_of(file_ids=[file.pk], only_kept=False)
    make_sound(file.location, seed=9)
    write_all(stop)
    assert TagWrite.objects.get().error_code == "audio_changed"
    assert keywords(file) == set()


def test_who_asks_for_the_tags_of_a_file_that_is_gone_is_told_so(
    file: AudioFile, stop: StopRequest
):
    request_writes_of(file_ids=[file.pk], only_kept=False)
    file.location.unlink()
    scan_library(library=file.library)
    write_all(stop)
    assert TagWrite.objects.get().error_code == "file_missing"
