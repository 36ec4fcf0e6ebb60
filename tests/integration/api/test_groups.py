"""Groups over the API: people get what the group may, and lose it with the group."""

from __future__ import annotations

import pytest
from django.contrib.auth.models import Group
from rest_framework.test import APIClient

from earmark.accounts.models import AuditEntry
from earmark.library.access import Role
from earmark.library.models import LibraryRole
from tests.api_client import make_user, signed_in
from tests.factories import LibraryFactory

pytestmark = pytest.mark.django_db

GROUPS = "/api/v1/groups"


@pytest.fixture
def root() -> APIClient:
    return signed_in(make_user(superuser=True))


def test_who_is_in_a_group_may_what_the_group_may(root: APIClient):
    library, anna = LibraryFactory(), make_user()
    made = root.post(GROUPS, {"name": "studio"})
    assert (made.status_code, made.json()["members"]) == (201, 0)
    group = f"{GROUPS}/{made.json()['id']}"
    role = {"group": "studio", "role": "reviewer"}
    assert root.post(f"/api/v1/libraries/{library.pk}/roles", role).json()["group"] == "studio"

    for _ in range(2):
        assert root.post(f"{group}/members", {"user": anna.username}).status_code == 200
    assert root.get(group).json() == {"id": made.json()["id"], "name": "studio", "members": 1}
    names = [one["username"] for one in root.get(f"{group}/members").json()["results"]]
    assert names == [anna.username]
    assert signed_in(anna).get(f"/api/v1/libraries/{library.pk}").json()["role"] == "reviewer"

    assert root.delete(f"{group}/members/{anna.pk}").status_code == 204
    assert signed_in(anna).get(f"/api/v1/libraries/{library.pk}").status_code == 404
    assert root.delete(f"{group}/members/{anna.pk}").status_code == 404
    acts = AuditEntry.objects.filter(act__startswith="group").order_by("pk")
    assert list(acts.values_list("act", flat=True)) == [
        *("group_created", "group_joined", "group_left"),
    ]


def test_a_group_goes_with_its_roles_and_leaves_the_people(root: APIClient):
    anna = make_user()
    group = Group.objects.create(name="studio")
    group.user_set.add(anna)
    LibraryRole.objects.create(library=LibraryFactory(), group=group, role=Role.EDITOR)

    assert root.delete(f"{GROUPS}/{group.pk}").status_code == 204

    assert root.get(GROUPS).json()["results"] == []
    assert not LibraryRole.objects.exists()
    anna.refresh_from_db()
    assert AuditEntry.objects.get(act="group_deleted").details == {"members": [anna.username]}


def test_names_are_given_once_and_members_are_people(root: APIClient):
    group = f"{GROUPS}/{root.post(GROUPS, {'name': 'studio'}).json()['id']}"

    again = root.post(GROUPS, {"name": "studio"})

    assert (again.status_code, again.json()["code"]) == (409, "group_exists")
    assert root.post(GROUPS, {"name": ""}).status_code == 400
    assert root.post(f"{group}/members", {"user": "nobody"}).json()["code"] == "user_unknown"
    assert root.get(GROUPS, {"name": "studio"}).json()["results"][0]["name"] == "studio"
    assert root.get(GROUPS, {"name": "other"}).json()["results"] == []
