"""Tags over HTTP: what there is, changes by two editors, and the files that follow."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import connection
from rest_framework.test import APIClient

from earmark.classifiers.models import ClassifierVersion
from earmark.library.access import Role
from earmark.library.models import AudioFile, Library
from earmark.tagging.models import TagChange, TagSet
from earmark.tagging.rules import rules_for
from earmark.tagging.services import derive_file_tags
from earmark.writeback.models import TagWrite, WriteRequest
from earmark.writeback.services import WriteOutcome, begin_write, record_write
from tests.api_client import make_user, signed_in
from tests.factories import (
    AudioFileFactory,
    ClassifierVersionFactory,
    make_classified_library,
)

pytestmark = pytest.mark.django_db


@pytest.fixture
def classifier() -> ClassifierVersion:
    return ClassifierVersionFactory()


@pytest.fixture
def library(tmp_path: Path, classifier: ClassifierVersion) -> Library:
    library = make_classified_library(tmp_path, classifier, "a.wav", scores=(0.9, 0.15, 0.01))
    derive_file_tags(files=library.files.all(), rules=rules_for(library, [classifier]))
    return library


@pytest.fixture
def file(library: Library) -> AudioFile:
    return library.files.get()


@pytest.fixture
def anna(library: Library) -> User:
    return make_user(Role.EDITOR, library)


@pytest.fixture
def client(anna: User) -> APIClient:
    return signed_in(anna)


def tags_of(file: AudioFile) -> str:
    return f"/api/v1/files/{file.pk}/tags"


def names(answer: Any) -> list[str]:
    return [tag["name"] for tag in answer.json()["tags"] if tag["decision"] == "accept"]


def test_tags_come_with_counts_reasons_and_an_etag(client: APIClient, file: AudioFile):
    answer = client.get(tags_of(file))
    told = answer.json()
    assert answer.status_code == 200
    assert told["counts"] == {"accept": 2, "review": 1, "by_people": 0}
    speech = told["tags"][0]
    assert (speech["name"], speech["source"]) == ("Male speech", "rules")
    assert speech["reason"]["votes"][0]["score"] == 0.9
    assert speech["reason"]["meaning"] == "its score reaches the policy's threshold"
    again = client.get(tags_of(file), headers={"If-None-Match": answer["ETag"]})
    assert (again.status_code, again.content) == (304, b"")


def test_an_editor_changes_tags_and_takes_it_back(client: APIClient, file: AudioFile, anna: User):
    before = client.get(tags_of(file))
    answer = client.post(tags_of(file), {"add": ["Gate"], "comment": "I see it"})
    assert answer.status_code == 200
    gate = next(tag for tag in answer.json()["tags"] if tag["name"] == "Gate")
    assert gate["source"] == "person"
    assert gate["reason"]["person"]["by"] == anna.username
    assert gate["reason"]["person"]["comment"] == "I see it"
    assert answer["ETag"] == client.get(tags_of(file))["ETag"] != before["ETag"]

    number = answer.json()["change"]["id"]
    undone = client.post(f"/api/v1/files/{file.pk}/tag-changes/{number}/undo")
    assert names(undone) == names(before)
    assert undone.json()["change"]["undone_by"] == anna.username
    repeated = client.post(f"/api/v1/files/{file.pk}/tag-changes/{number}/undo")
    assert (repeated.status_code, repeated.json()["code"]) == (409, "change_undone")
    history = client.get(f"/api/v1/files/{file.pk}/tag-changes").json()["results"]
    assert [change["id"] for change in history] == [number]


def test_the_second_of_two_editors_is_told_that_the_first_was_quicker(
    client: APIClient, library: Library, file: AudioFile
):
    ben = signed_in(make_user(Role.EDITOR, library))
    seen = {"If-Match": client.get(tags_of(file))["ETag"]}
    first = client.post(tags_of(file), {"add": ["Gate"]}, headers=seen)
    second = ben.delete(f"{tags_of(file)}?name=Male speech", headers=seen)
    assert (first.status_code, second.status_code) == (200, 412)
    assert second.json()["code"] == "version_changed"
    assert set(names(ben.get(tags_of(file)))) == {"Gate", "Male speech", "Man speaking"}
    anew = {"If-Match": first["ETag"]}
    third = ben.delete(f"{tags_of(file)}?name=Male speech", headers=anew)
    assert names(third) == ["Gate"]


def test_all_words_are_replaced_only_by_who_has_seen_them(client: APIClient, file: AudioFile):
    blind = client.post(tags_of(file), {"replace": ["Gate"]})
    assert (blind.status_code, blind.json()["code"]) == (428, "version_needed")
    seen = {"If-Match": client.get(tags_of(file))["ETag"]}
    assert names(client.post(tags_of(file), {"replace": ["Gate"]}, headers=seen)) == ["Gate"]


def test_a_request_that_is_sent_again_changes_nothing_again(client: APIClient, file: AudioFile):
    key = {"Idempotency-Key": "one"}
    first, second = (client.post(tags_of(file), {"add": ["Gate"]}, headers=key) for _ in range(2))
    assert first.json() == second.json()
    assert TagChange.objects.count() == 1


@pytest.mark.parametrize(
    "body", [{}, {"add": ["a, b"]}, {"add": "Gate"}, {"add": ["x" * 200]}, {"add": ["\x01"]}]
)
def test_words_that_cannot_be_tags_are_refused(
    client: APIClient, file: AudioFile, body: dict[str, object]
):
    answer = client.post(tags_of(file), body)
    assert answer.status_code == 400
    assert answer.json()["code"] in {"invalid_tags", "invalid_input"}


def test_viewers_read_and_strangers_see_nothing(library: Library, file: AudioFile):
    viewer, stranger = signed_in(make_user(Role.VIEWER, library)), signed_in(make_user())
    assert viewer.get(tags_of(file)).status_code == 200
    assert viewer.post(tags_of(file), {"add": ["Gate"]}).status_code == 403
    assert stranger.get(tags_of(file)).status_code == 404
    assert stranger.post(tags_of(file), {"add": ["Gate"]}).status_code == 404
    assert not TagChange.objects.exists()


def test_a_file_that_is_kept_up_follows_the_change(client: APIClient, file: AudioFile):
    assert client.post(tags_of(file), {"add": ["Gate"]}).json()["writes"] is False
    assert client.post(tags_of(file), {"add": ["Night"], "write": True}).json()["writes"] is True
    WriteRequest.objects.all().delete()
    row = begin_write(file_id=file.pk, tags_key=TagSet.objects.get().tags_key, plan={})
    outcome = WriteOutcome(TagWrite.State.WRITTEN, file.size, file.mtime_ns)
    record_write(write_id=row.pk, outcome=outcome)

    assert client.post(tags_of(file), {"add": ["Squeak"]}).json()["writes"] is True
    assert WriteRequest.objects.get().tags_key == TagSet.objects.get().tags_key
    told = client.get(f"/api/v1/tag-writes?file={file.pk}").json()["results"]
    assert [(one["state"], one["can_be_undone"]) for one in told] == [("written", False)]


def test_every_word_is_explained_also_what_was_dropped(client: APIClient, file: AudioFile):
    client.post(tags_of(file), {"remove": ["Male speech"], "comment": "nobody speaks"})
    told = client.get(f"/api/v1/files/{file.pk}/explanation").json()
    dropped = next(tag for tag in told["tags"] if tag["name"] == "Male speech")
    assert (dropped["decision"], dropped["reason"]["rule"]) == ("drop", "rejected-by-a-person")
    assert dropped["reason"]["person"]["comment"] == "nobody speaks"
    assert told["keywords"] == []


def test_an_explanation_reads_nothing_outside_the_library(
    client: APIClient, library: Library, file: AudioFile, tmp_path_factory: pytest.TempPathFactory
):
    outside = tmp_path_factory.mktemp("outside")
    file.location.rename(outside / "a.wav")
    file.location.symlink_to(outside / "a.wav")

    told = client.get(f"/api/v1/files/{file.pk}/explanation").json()

    assert told["keywords"] is None
    assert "regular file" in told["unreadable"]
    assert str(outside) not in told["unreadable"]


def test_what_classifiers_said_is_told_with_its_labels(
    client: APIClient, file: AudioFile, classifier: ClassifierVersion
):
    told = client.get(f"/api/v1/files/{file.pk}/predictions").json()["predictions"]
    assert [one["classifier"] for one in told] == [classifier.identity]
    assert told[0]["scores"][0]["label"] == "Male speech, man speaking"
    timeline = client.get(f"/api/v1/files/{file.pk}/timeline?classifier={classifier.name}")
    assert (timeline.status_code, timeline.json()["code"]) == (409, "no_timeline")


def test_a_file_with_many_tags_takes_no_more_queries_than_one_with_none(
    client: APIClient, library: Library, file: AudioFile, django_assert_num_queries
):
    client.post(tags_of(file), {"add": [f"word {number}" for number in range(50)]})
    bare = AudioFileFactory(library=library)
    client.get(tags_of(bare))
    with django_assert_num_queries(6) as few:
        client.get(tags_of(bare))
    with django_assert_num_queries(len(few.captured_queries)):
        client.get(tags_of(file))


def test_lists_of_writes_take_as_many_queries_for_twenty_as_for_one(
    client: APIClient, library: Library, file: AudioFile, django_assert_num_queries
):
    others = AudioFileFactory.create_batch(20, library=library)
    begin_write(file_id=file.pk, tags_key="x", plan={})
    with django_assert_num_queries(4):  # one finds out which libraries may be seen
        assert len(client.get("/api/v1/tag-writes").json()["results"]) == 1
    for other in others:
        begin_write(file_id=other.pk, tags_key="x", plan={})
    with django_assert_num_queries(4):
        assert len(client.get("/api/v1/tag-writes").json()["results"]) == 21


@pytest.mark.django_db(transaction=True)
def test_of_two_editors_at_the_same_moment_one_is_refused(
    library: Library, file: AudioFile, client: APIClient
):
    seen = {"If-Match": client.get(tags_of(file))["ETag"]}
    clients = [signed_in(make_user(Role.EDITOR, library)) for _ in range(2)]
    start, statuses = threading.Barrier(2), []

    def change(own: APIClient, word: str) -> None:
        start.wait()
        statuses.append(own.post(tags_of(file), {"add": [word]}, headers=seen).status_code)
        connection.close()

    threads = [
        threading.Thread(target=change, args=pair)
        for pair in zip(clients, ("Gate", "Squeak"), strict=True)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(statuses) == [200, 412]
    assert TagChange.objects.count() == 1
