"""Policies and thesaurus over HTTP."""

from __future__ import annotations

import pytest
from rest_framework.test import APIClient

from earmark.library.access import Role
from earmark.library.models import Library
from earmark.tagging.models import PolicyChange, ThesaurusEntry
from earmark.tagging.selectors import get_policy
from tests.api_client import make_user, signed_in
from tests.factories import LibraryFactory

pytestmark = pytest.mark.django_db

TABLE = "term,preferred,synonyms,forbidden,translations\nBow-wow,Dog bark,woof; arf,doggie,de=Wau\n"


@pytest.fixture
def library() -> Library:
    return LibraryFactory()


@pytest.fixture
def manager(library: Library) -> APIClient:
    return signed_in(make_user(Role.MANAGER, library))


@pytest.fixture
def superuser() -> APIClient:
    return signed_in(make_user(superuser=True))


def test_a_manager_sets_the_policy_of_a_library(manager: APIClient, library: Library):
    place = f"/api/v1/libraries/{library.pk}/policy"
    assert manager.get(place).json()["number"] == 0
    answer = manager.post(place, {"settings": {"accept": 0.3}, "note": "fewer"}, format="json")
    assert answer.status_code == 201
    assert (answer.json()["library"], answer.json()["number"]) == (library.pk, 1)
    assert get_policy(library=library).accept == 0.3

    manager.post(place, {"settings": {"denied": ["Speech"]}}, format="json")
    assert get_policy(library=library).accept == 0.3
    assert manager.delete(place).json()["library"] is None
    versions = manager.get(f"{place}/versions").json()["results"]
    assert [one["number"] for one in versions] == [3, 2, 1]
    assert (versions[0]["settings"], versions[2]["note"]) == (None, "fewer")
    assert versions[1]["settings"]["denied"] == ["Speech"]


def test_a_policy_that_contradicts_itself_is_refused(manager: APIClient, library: Library):
    place = f"/api/v1/libraries/{library.pk}/policy"
    for settings in ({"accept": 0.9}, {"languages": ["??"]}):
        answer = manager.post(place, {"settings": settings}, format="json")
        assert (answer.status_code, answer.json()["code"]) == (400, "invalid_tag_policy")
    answer = manager.post(place, {"settings": {"accept": 2}}, format="json")
    assert (answer.status_code, answer.json()["code"]) == (400, "invalid_input")
    assert not PolicyChange.objects.exists()


def test_only_superusers_change_what_holds_everywhere(
    manager: APIClient, superuser: APIClient, library: Library
):
    body = {"settings": {"accept": 0.4}}
    assert manager.get("/api/v1/policy").status_code == 200
    assert manager.post("/api/v1/policy", body, format="json").status_code == 403
    assert superuser.post("/api/v1/policy", body, format="json").status_code == 201
    assert get_policy(library=library).accept == 0.4
    entry = {"term": "Bow-wow", "preferred": "Dog bark"}
    assert manager.post("/api/v1/thesaurus", entry, format="json").status_code == 403
    assert superuser.post("/api/v1/thesaurus", entry, format="json").status_code == 201


def test_editors_change_neither_policy_nor_words(library: Library):
    editor = signed_in(make_user(Role.EDITOR, library))
    place = f"/api/v1/libraries/{library.pk}"
    assert editor.post(f"{place}/policy", {"settings": {}}, format="json").status_code == 403
    assert editor.post(f"{place}/thesaurus", {"term": "x"}, format="json").status_code == 403
    assert editor.get(f"{place}/thesaurus").json()["results"] == []


def test_a_table_of_words_is_imported_whole_and_exported_again(
    manager: APIClient, library: Library
):
    place = f"/api/v1/libraries/{library.pk}/thesaurus"
    done = manager.post(f"{place}/table", TABLE, content_type="text/csv")
    assert done.json() == {"added": 1, "changed": 0, "unchanged": 0, "removed": 0}
    back = manager.get(f"{place}/table")
    assert back["Content-Type"] == "text/csv; charset=utf-8"
    assert back.content.decode() == TABLE

    wrong = manager.post(f"{place}/table", f"{TABLE}Cat,,,Cat,\n", content_type="text/csv")
    assert (wrong.status_code, wrong.json()["code"]) == (400, "invalid_thesaurus")
    assert "line 3" in wrong.json()["context"]["problems"][0]
    assert ThesaurusEntry.objects.count() == 1


def test_an_entry_takes_the_place_of_the_one_before_and_goes(manager: APIClient, library: Library):
    place = f"/api/v1/libraries/{library.pk}/thesaurus"
    for preferred in ("Dog bark", "Woof"):
        answer = manager.post(place, {"term": "Bow-wow", "preferred": preferred}, format="json")
        assert answer.status_code == 201
    (entry,) = manager.get(place).json()["results"]
    assert (entry["preferred"], entry["synonyms"]) == ("Woof", None)
    wrong = manager.post(place, {"term": "x", "preferred": "a, b"}, format="json")
    assert (wrong.status_code, wrong.json()["code"]) == (400, "invalid_thesaurus")
    assert manager.delete(f"{place}/{entry['id']}").status_code == 204
    assert manager.delete(f"{place}/{entry['id']}").status_code == 404
