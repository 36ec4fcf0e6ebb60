"""Libraries, roles, scans and files over the API."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth.models import Group, Permission
from django.test import Client

from earmark.accounts.acts import Act
from earmark.accounts.models import AuditEntry
from earmark.library.access import Role, role_of
from earmark.library.models import AudioFile, Library, LibraryRole, Scan
from earmark.library.services import register_library, request_scan
from tests.api_client import make_user, signed_in
from tests.factories import AudioFileFactory, LibraryFactory

pytestmark = pytest.mark.django_db


@pytest.fixture
def roots(tmp_path: Path, settings: Any) -> Path:
    """Return a folder inside which libraries may be registered."""
    settings.EARMARK_LIBRARY_ROOTS = [tmp_path]
    return tmp_path


def registrar() -> Any:
    user = make_user()
    user.user_permissions.add(Permission.objects.get(codename="add_library"))
    return user


# --- libraries -----------------------------------------------------------------------------------


def test_people_get_the_libraries_they_have_a_role_in_with_that_role():
    mine, _ = LibraryFactory.create_batch(2)
    user = make_user(Role.EDITOR, mine)
    AudioFileFactory(library=mine)

    (listed,) = signed_in(user).get("/api/v1/libraries").json()["results"]
    detail = signed_in(user).get(f"/api/v1/libraries/{mine.pk}").json()

    assert (listed["id"], listed["role"], listed["folder"]) == (mine.pk, "editor", mine.root)
    assert detail["files"] == {"present": 1, "missing": 0, "failed": 0, "excluded": 0}
    assert len(signed_in(make_user(superuser=True)).get("/api/v1/libraries").json()["results"]) == 2


def test_a_page_of_libraries_takes_the_same_queries_for_one_and_for_many(
    django_assert_num_queries: Any,
):
    root = signed_in(make_user(superuser=True))
    LibraryFactory.create_batch(10)
    with django_assert_num_queries(3):  # session, user, page
        root.get("/api/v1/libraries")


def test_who_may_register_makes_a_folder_a_library_and_manages_it(roots: Path):
    user = registrar()
    (roots / "sounds").mkdir()

    made = signed_in(user).post(
        "/api/v1/libraries", {"folder": str(roots / "sounds"), "exclude": "/Old/", "scan_every": 60}
    )

    assert made.status_code == 201
    library = Library.objects.get()
    assert (library.name, library.exclude, library.scan_every) == ("sounds", "/Old/", 60)
    assert role_of(user, library) is Role.MANAGER
    entries = AuditEntry.objects.filter(object_type="library.library").order_by("id")
    acts = list(entries.values_list("act", "actor"))
    assert acts == [(Act.LIBRARY_REGISTERED, user.username), (Act.ROLE_GRANTED, user.username)]


@pytest.mark.parametrize(
    ("folder", "status", "code"),
    [
        ("/", 400, "root_not_allowed"),
        ("/etc", 400, "root_not_allowed"),
        ("{roots}/../..", 400, "root_not_allowed"),
        ("{roots}/link-to-etc", 400, "root_not_allowed"),
        ("{roots}/missing", 400, "root_not_found"),
        ("{roots}/" + "x" * 300, 400, "root_not_found"),
        ("sounds", 400, "invalid_input"),
        ("~/sounds", 400, "invalid_input"),
        ("/nul\0", 400, "invalid_input"),
        ("{roots}/library/inside", 409, "library_exists"),
    ],
)
def test_folders_that_cannot_be_libraries_are_refused(
    roots: Path, folder: str, status: int, code: str
):
    (roots / "link-to-etc").symlink_to("/etc")
    (roots / "library/inside").mkdir(parents=True)
    register_library(root=roots / "library")

    answer = signed_in(registrar()).post(
        "/api/v1/libraries", {"folder": folder.replace("{roots}", str(roots))}
    )

    assert (answer.status_code, answer.json()["code"]) == (status, code)
    assert Library.objects.count() == 1


def test_a_library_of_others_is_not_had_by_registering_the_folder_around_it(roots: Path):
    (roots / "all/theirs").mkdir(parents=True)
    theirs = register_library(root=roots / "all/theirs")
    body = {"folder": str(roots / "all")}

    refused = signed_in(registrar()).post("/api/v1/libraries", body)

    assert (refused.status_code, refused.json()["code"]) == (403, "not_allowed")
    assert list(Library.objects.all()) == [theirs]


def test_who_was_let_into_a_library_is_not_let_into_the_one_that_takes_it_over(roots: Path):
    (roots / "all/inner").mkdir(parents=True)
    viewer = make_user(Role.VIEWER, register_library(root=roots / "all/inner"))

    root = signed_in(make_user(superuser=True))
    assert root.post("/api/v1/libraries", {"folder": str(roots / "all")}).status_code == 201

    assert signed_in(viewer).get("/api/v1/libraries").json()["results"] == []


def test_managers_change_a_library_and_only_what_they_name(roots: Path):
    library = register_library(root=roots)
    client = signed_in(make_user(Role.MANAGER, library))
    address = f"/api/v1/libraries/{library.pk}"

    client.patch(address, {"exclude": "*_temp.wav", "scan_every": 5})
    changed = client.patch(address, {"name": "Foley"})

    body = changed.json()
    assert (body["name"], body["exclude"], body["scan_every"]) == ("Foley", "*_temp.wav", 5)
    refused = client.patch(address, {"include": "!"})
    assert (refused.status_code, refused.json()["code"]) == (400, "invalid_library")


# --- roles ---------------------------------------------------------------------------------------


def test_managers_give_and_take_roles():
    library = LibraryFactory()
    anna, group = make_user(), Group.objects.create(name="foley")
    client = signed_in(make_user(Role.MANAGER, library))
    address = f"/api/v1/libraries/{library.pk}/roles"

    client.post(address, {"user": anna.username, "role": "viewer"})
    given = client.post(address, {"user": anna.username, "role": "editor"})
    client.post(address, {"group": "foley", "role": "viewer"})

    assert given.json() == {"id": given.json()["id"], "user": anna.username, "group": None,
                            "role": "editor"}  # fmt: skip
    assert role_of(anna, library) is Role.EDITOR
    assert len(client.get(address).json()["results"]) == 3
    assert client.delete(f"{address}/{given.json()['id']}").status_code == 204
    assert role_of(anna, library) is None
    assert group.library_roles.get().role == Role.VIEWER
    entries = AuditEntry.objects.filter(object_type="library.library").order_by("id")
    assert list(entries.values_list("act", flat=True)) == [Act.ROLE_GRANTED] * 3 + [
        Act.ROLE_REVOKED
    ]


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ({"role": "viewer"}, 400),
        ({"user": "a", "group": "b", "role": "viewer"}, 400),
        ({"user": "nobody-there", "role": "viewer"}, 404),
        ({"user": "a", "role": "king"}, 400),
    ],
)
def test_roles_are_given_to_one_who_is_there(body: dict[str, str], status: int):
    library = LibraryFactory()
    client = signed_in(make_user(Role.MANAGER, library))

    assert client.post(f"/api/v1/libraries/{library.pk}/roles", body).status_code == status


def test_roles_are_given_in_the_admin_and_written_into_the_audit_log():
    library = LibraryFactory()
    anna, bert = make_user(), make_user(Role.VIEWER, library)
    old = LibraryRole.objects.get(user=bert)
    client = Client()
    client.force_login(make_user(superuser=True))
    form = {
        "name": library.name, "include": "", "exclude": "", "scan_every": "", "settle_seconds": "",
        "roles-TOTAL_FORMS": 2, "roles-INITIAL_FORMS": 1,
        "roles-0-id": old.pk, "roles-0-library": library.pk, "roles-0-user": bert.pk,
        "roles-0-group": "", "roles-0-role": "editor",
        "roles-1-library": library.pk, "roles-1-user": anna.pk, "roles-1-group": "",
        "roles-1-role": "manager",
    }  # fmt: skip

    answer = client.post(f"/admin/library/library/{library.pk}/change/", form)

    assert answer.status_code == 302, answer.content.decode()
    assert (role_of(anna, library), role_of(bert, library)) == (Role.MANAGER, Role.EDITOR)
    acts = AuditEntry.objects.filter(object_type="library.library").order_by("id")
    assert list(acts.values_list("act", flat=True)) == [
        Act.LIBRARY_CHANGED,
        Act.ROLE_REVOKED,
        Act.ROLE_GRANTED,
        Act.ROLE_GRANTED,
    ]


# --- scans ---------------------------------------------------------------------------------------


def test_editors_ask_for_a_scan_and_see_how_far_it_is():
    library = LibraryFactory()
    client = signed_in(make_user(Role.EDITOR, library))
    address = f"/api/v1/libraries/{library.pk}/scans"

    asked = client.post(address, {"under": "Ambience/Rain"})
    again = client.post(address, {"under": "Ambience/Rain"})

    assert (asked.status_code, again.json()["id"]) == (202, asked.json()["id"])
    assert (asked.json()["state"], asked.json()["under"]) == ("queued", "Ambience/Rain")
    assert client.get(f"/api/v1/scans/{asked.json()['id']}").json() == asked.json()
    assert [scan["id"] for scan in client.get(address).json()["results"]] == [asked.json()["id"]]


@pytest.mark.parametrize(
    "under", ["..", "../x", "/etc", "a//b", "a/../../b", "a/", "\\", "\\x41", "a\0b", "x" * 5000]
)
def test_a_scan_of_what_is_not_in_the_library_is_refused(under: str):
    library = LibraryFactory()
    client = signed_in(make_user(Role.EDITOR, library))

    answer = client.post(f"/api/v1/libraries/{library.pk}/scans", {"under": under})

    assert (answer.status_code, answer.json()["code"]) == (400, "invalid_input")
    assert not Scan.objects.exists()


def test_scans_of_other_libraries_are_not_there():
    scan = request_scan(library=LibraryFactory())

    assert signed_in(make_user()).get(f"/api/v1/scans/{scan.pk}").status_code == 404


# --- files ---------------------------------------------------------------------------------------


def test_files_are_found_by_place_state_and_sound():
    library = LibraryFactory(root="/sounds")
    wet = AudioFileFactory(library=library, path="Rain/heavy.wav", duration=5.0, channels=2)
    dry = AudioFileFactory(
        library=library, path="Dust.flac", state=AudioFile.State.FAILED, error_code="broken"
    )
    hidden = AudioFileFactory()
    client = signed_in(make_user(Role.VIEWER, library))

    def find(**filters: object) -> list[int]:
        answer = client.get("/api/v1/files", filters)
        assert answer.status_code == 200, answer.json()
        return [file["id"] for file in answer.json()["results"]]

    assert find() == [wet.pk, dry.pk]
    assert find(under="Rain") == find(under="Rain/") == [wet.pk]
    assert find(under="Rai") == []
    assert find(state="failed") == find(error_code="broken") == [dry.pk]
    assert find(min_duration=4, max_duration=6) == find(channels=2) == [wet.pk]
    assert find(library=library.pk) == [wet.pk, dry.pk]
    assert find(library=hidden.library.pk) == []
    detail = client.get(f"/api/v1/files/{wet.pk}").json()
    assert detail["location"] == "/sounds/Rain/heavy.wav"
    assert client.get(f"/api/v1/files/{hidden.pk}").status_code == 404


@pytest.mark.parametrize(
    ("name", "value"),
    [("state", "x"), ("library", "x"), ("page_size", "0"), ("page_size", "501"), ("cursor", "x")],
)
def test_a_filter_that_cannot_be_used_is_named(name: str, value: str):
    answer = signed_in(make_user()).get("/api/v1/files", {name: value})

    assert (answer.status_code, answer.json()["code"]) == (400, "invalid_input")
    assert list(answer.json()["context"]) == [name]


def test_pages_follow_each_other_and_miss_nothing_while_files_are_added():
    library = LibraryFactory()
    files = AudioFileFactory.create_batch(5, library=library)
    client = signed_in(make_user(Role.VIEWER, library))

    page = client.get("/api/v1/files", {"page_size": 2}).json()
    seen = [file["id"] for file in page["results"]]
    files.append(AudioFileFactory(library=library))
    while page["next"]:
        page = client.get(page["next"]).json()
        seen += [file["id"] for file in page["results"]]

    assert seen == [file.pk for file in files]
    assert client.get(page["previous"]).json()["results"][-1]["id"] == seen[3]


def test_a_page_of_files_takes_few_queries(django_assert_num_queries: Any):
    library = LibraryFactory()
    AudioFileFactory.create_batch(5, library=library)
    client = signed_in(make_user(Role.VIEWER, library))

    with django_assert_num_queries(3):  # session, user, page
        client.get("/api/v1/files")
