"""Uploads in the database and on disk: queued, taken, answered, swept."""

from __future__ import annotations

import os
import threading
import time
from datetime import timedelta
from pathlib import Path

import pytest
from django.contrib.auth.models import AnonymousUser
from django.db import IntegrityError, connection, transaction
from django.utils import timezone

from earmark.classifiers.errors import ClassifierUnavailableError
from earmark.core.errors import NotFoundError
from earmark.uploads import storage
from earmark.uploads.errors import UploadsBusyError
from earmark.uploads.models import Upload, new_upload_id
from earmark.uploads.results import ClassifierAnswer, UploadResult, list_best
from earmark.uploads.selectors import find_classifiers, get_upload
from earmark.uploads.services import (
    accept_upload,
    claim_uploads,
    complete_upload,
    discard_upload,
    fail_upload,
    release_uploads,
    renew_uploads,
    sweep_uploads,
)
from tests.api_client import make_user
from tests.factories import ClassifierVersionFactory

pytestmark = pytest.mark.django_db

RESULT = UploadResult(1.5, 8000, 1, "wav", "pcm_s16", (ClassifierAnswer("a@1", ()),))


@pytest.fixture(autouse=True)
def at_once(data_dir: Path, django_capture_on_commit_callbacks):
    """Run what waits for the commit at the end of each step: a test never commits."""
    with django_capture_on_commit_callbacks(execute=True):
        yield


def received(data: bytes = b"sound") -> storage.Received:
    made = storage.Received(new_upload_id())
    made.write(data)
    return made


def upload(**values) -> Upload:
    return accept_upload(
        received=received(), classifiers=values.pop("classifiers", [ClassifierVersionFactory()])
    )


def bytes_left() -> list[str]:
    return sorted(path.name for path in storage.folder().iterdir())


def test_a_sound_waits_with_its_bytes_and_nobody_else_may_read_them(data_dir: Path):
    made = upload()

    assert bytes_left() == [made.pk]
    assert storage.bytes_of(made.pk).read_bytes() == b"sound"
    assert (data_dir / "uploads").stat().st_mode & 0o777 == 0o700
    assert storage.bytes_of(made.pk).stat().st_mode & 0o777 == 0o600


@pytest.mark.django_db(transaction=True)
def test_of_two_that_come_at_once_one_is_refused_where_one_may_wait(settings):
    settings.EARMARK_UPLOAD_QUEUE = 1
    classifiers = [ClassifierVersionFactory()]
    refused: list[UploadsBusyError] = []

    def send() -> None:
        try:
            accept_upload(received=received(), classifiers=classifiers)
        except UploadsBusyError as error:
            refused.append(error)
        finally:
            connection.close()

    other = threading.Thread(target=send)
    with transaction.atomic():
        first = upload(classifiers=classifiers)
        other.start()
        other.join(0.3)  # long enough to be done, if nothing held it back
    other.join()

    assert len(refused) == 1
    assert [one.pk for one in Upload.objects.all()] == bytes_left() == [first.pk]


def test_one_more_than_may_wait_is_refused_and_leaves_nothing(settings):
    settings.EARMARK_UPLOAD_QUEUE = 1
    first = upload()

    with pytest.raises(UploadsBusyError):
        upload()

    assert bytes_left() == [first.pk]


def test_an_upload_is_taken_once_the_oldest_first():
    first, second = upload(), upload()

    assert [one.upload_id for one in claim_uploads(worker="a", limit=1)] == [first.pk]
    assert [one.upload_id for one in claim_uploads(worker="b", limit=9)] == [second.pk]
    assert claim_uploads(worker="c", limit=9) == []


def test_an_upload_whose_bytes_are_on_another_machine_is_left_to_it():
    storage.remove_bytes(upload().pk)
    assert claim_uploads(worker="a", limit=9) == []


def test_the_answer_is_stored_and_the_bytes_are_gone(django_capture_on_commit_callbacks):
    made = upload()
    (claimed,) = claim_uploads(worker="a", limit=1)

    with django_capture_on_commit_callbacks(execute=True):
        assert complete_upload(upload=claimed, result=RESULT)

    made.refresh_from_db()
    assert (made.state, made.result["duration"], made.worker) == ("done", 1.5, "")
    assert bytes_left() == []


def test_a_failure_says_why_and_the_bytes_are_gone(django_capture_on_commit_callbacks):
    made = upload()
    (claimed,) = claim_uploads(worker="a", limit=1)

    with django_capture_on_commit_callbacks(execute=True):
        assert fail_upload(upload=claimed, code="not_audio", message="No sound.")

    made.refresh_from_db()
    assert (made.state, made.error_code, made.result) == ("failed", "not_audio", None)
    assert bytes_left() == []


def test_a_worker_that_lost_its_lease_can_answer_no_more():
    made = upload()
    (late,) = claim_uploads(worker="a", limit=1)
    assert sweep_uploads(dead_workers=["a"]).requeued == 1
    (claimed,) = claim_uploads(worker="b", limit=1)

    assert renew_uploads(uploads=[late], worker="a") == [late]
    assert renew_uploads(uploads=[claimed], worker="b") == []
    assert not complete_upload(upload=late, result=RESULT)
    assert not fail_upload(upload=late, code="x", message="x")
    made.refresh_from_db()
    assert (made.state, made.worker, made.lost_leases) == ("running", "b", 1)


def test_what_is_given_back_waits_again_and_that_is_not_held_against_it():
    made = upload()
    claimed = claim_uploads(worker="a", limit=1)

    assert release_uploads(uploads=claimed, worker="a") == 1

    made.refresh_from_db()
    assert (made.state, made.lost_leases) == ("queued", 0)


def test_a_sound_that_kills_its_workers_fails(settings):
    settings.EARMARK_JOB_MAX_LOST_LEASES = 2
    made = upload()
    for worker in "ab":
        assert claim_uploads(worker=worker, limit=1)
        sweep_uploads(dead_workers=[worker])

    made.refresh_from_db()
    assert (made.state, made.error_code) == ("failed", "worker_killed")
    sweep_uploads()
    assert bytes_left() == []


def test_an_expired_lease_counts_as_lost():
    made = upload()
    claim_uploads(worker="a", limit=1)
    Upload.objects.filter(pk=made.pk).update(lease_until=timezone.now() - timedelta(seconds=1))

    assert sweep_uploads().requeued == 1


def test_what_nobody_asks_for_any_more_is_forgotten_with_its_bytes():
    waiting, running, done = upload(), upload(), upload()
    Upload.objects.filter(pk=done.pk).update(state="done", result={})
    claimed = claim_uploads(worker="a", limit=9)
    assert len(claimed) == 2
    release_uploads(uploads=[one for one in claimed if one.upload_id == waiting.pk], worker="a")
    Upload.objects.update(expires_at=timezone.now() - timedelta(seconds=1))

    assert sweep_uploads().expired == 2

    assert [row.pk for row in Upload.objects.all()] == [running.pk]
    assert bytes_left() == [running.pk]


def test_bytes_nobody_knows_are_deleted_when_they_are_old_and_those_with_an_answer_at_once():
    answered, waiting = upload(), upload()
    Upload.objects.filter(pk=answered.pk).update(state="done", result={})
    fresh, old = received(), received()
    long_ago = time.time() - storage.STRAY_SECONDS - 1
    for path in (storage.folder() / f"{old.upload_id}.part", storage.bytes_of(waiting.pk)):
        os.utime(path, (long_ago, long_ago))
    other = storage.folder() / "notes.txt"
    other.write_text("not ours")
    os.utime(other, (long_ago, long_ago))

    assert sweep_uploads().files == 2

    assert bytes_left() == sorted([f"{fresh.upload_id}.part", waiting.pk, "notes.txt"])


def test_a_discarded_upload_is_gone_also_under_a_worker(django_capture_on_commit_callbacks):
    made = upload()
    (claimed,) = claim_uploads(worker="a", limit=1)

    with django_capture_on_commit_callbacks(execute=True):
        discard_upload(upload=made)

    assert bytes_left() == []
    assert not complete_upload(upload=claimed, result=RESULT)


def test_an_upload_is_seen_by_who_sent_it_and_by_superusers():
    owner = make_user()
    made = accept_upload(received=received(), classifiers=[], owner=owner)

    assert get_upload(upload_id=made.pk, user=owner) == made
    assert get_upload(upload_id=made.pk, user=make_user(superuser=True)) == made
    for other in (make_user(), AnonymousUser()):
        with pytest.raises(NotFoundError):
            get_upload(upload_id=made.pk, user=other)


def test_classifiers_are_found_by_name_each_once_and_without_a_name_the_default(settings):
    one, two = ClassifierVersionFactory(name="one"), ClassifierVersionFactory(name="two")
    ClassifierVersionFactory(name="off", enabled=False)
    settings.EARMARK_CLASSIFIER = "two"

    assert find_classifiers(["two", "one", "two"]) == [two, one]
    assert find_classifiers([]) == [two]
    with pytest.raises(ClassifierUnavailableError):
        find_classifiers(["one", "off"])


@pytest.mark.parametrize(
    "values",
    [
        {"state": "running"},
        {"state": "done"},
        {"state": "failed"},
        {"state": "queued", "worker": "a"},
        {"start": -1.0},
        {"start": 2.0, "end": 2.0},
    ],
)
def test_the_database_refuses_rows_that_make_no_sense(values):
    made = upload()
    with pytest.raises(IntegrityError), transaction.atomic():
        Upload.objects.filter(pk=made.pk).update(**values)


def test_the_best_labels_come_first_and_times_count_from_the_beginning_of_the_file():
    labels = [("/m/a", "A"), ("/m/b", "B"), ("/m/c", "C")]
    best = list_best(labels, [0.25, 0.75, 0.25], [0, 1, 2], [1, 2, 3], offset=10.0)

    assert [one.label for one in best] == ["B", "A", "C"]
    assert (best[0].start, best[0].end) == (11.0, 12.0)
