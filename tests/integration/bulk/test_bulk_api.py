"""Operations on many files, asked for over HTTP, and what becomes of their files."""

from __future__ import annotations

import pytest
from django.contrib.auth.models import User
from rest_framework.test import APIClient

from earmark.exchange.bulk.models import BulkOperation
from earmark.library.access import Role
from earmark.library.models import AudioFile, Library
from earmark.tagging.models import Tag, TagBasis, TagChange, TagSet
from earmark.tagging.services import (
    set_file_tags,
)
from tests.api_client import make_user, signed_in
from tests.factories import AudioFileFactory
from tests.integration.bulk.operations import BULK, tagged, work

pytestmark = pytest.mark.django_db


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


def test_a_slice_of_many_files_takes_as_many_queries_as_one_of_few(
    client: APIClient, library: Library, django_assert_max_num_queries
):
    AudioFileFactory.create_batch(60, library=library)
    body = {"library": library.pk, "operation": "add", "tags": ["Gate"]}
    client.post(BULK, body, format="json")
    with django_assert_max_num_queries(60):
        work()
    assert tagged(library, "Gate") == 65
