"""The document of the API, tokens, roles and errors."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from datetime import timedelta

import pytest
from django.contrib.auth.models import Group, User
from django.db import IntegrityError, transaction
from django.utils import timezone

from earmark.accounts.errors import InvalidTokenError, TokenRefusedError
from earmark.accounts.models import ApiToken
from earmark.accounts.scopes import Scope
from earmark.accounts.services import create_token, revoke_token, use_token
from earmark.core.errors import NotAllowedError, NotFoundError
from earmark.library.access import (
    Role,
    require_file,
    require_library,
    require_role,
    role_of,
    visible_files,
    visible_libraries,
)
from earmark.library.models import LibraryRole
from tests.api_client import anonymous, make_user
from tests.factories import AudioFileFactory, LibraryFactory

pytestmark = pytest.mark.django_db


def test_the_document_is_openapi_3_1_and_for_everybody():
    answer = anonymous().get("/api/v1/schema?format=json")

    assert answer.status_code == 200
    assert answer.json()["openapi"] == "3.1.0"


@pytest.mark.parametrize("path", ["runs", "libraries/1", "health", "search", "uploads"])
def test_a_method_that_an_address_does_not_have_is_refused(path: str):
    answer = anonymous().options(f"/api/v1/{path}")

    assert (answer.status_code, answer.json()["code"]) == (405, "method_not_allowed")


def test_the_pages_about_the_api_load_nothing_from_elsewhere():
    answer = anonymous().get("/api/v1/docs")

    assert answer.status_code == 200
    page = answer.content.decode()
    assert "swagger-ui" in page
    assert "//" not in page.replace("http://www.w3.org", "")


def test_a_token_is_stored_as_a_hash_only():
    token, secret = create_token(user=make_user(), name="daw", scopes=[Scope.READ])

    assert secret.startswith("em_")
    row = ApiToken.objects.filter(pk=token.pk).values().get()
    assert secret not in str(row)
    assert use_token(secret=secret).pk == token.pk
    assert use_token(secret=secret).last_used_at is not None


def test_a_token_that_is_revoked_expired_or_of_an_inactive_user_is_refused():
    user = make_user()
    revoked, first = create_token(user=user, name="a", scopes=[Scope.READ])
    expired, second = create_token(
        user=user, name="b", scopes=[Scope.READ], lifetime=timedelta(days=1)
    )
    _, third = create_token(user=user, name="c", scopes=[Scope.READ])
    revoke_token(token=revoked)
    ApiToken.objects.filter(pk=expired.pk).update(expires_at=timezone.now())

    assert use_token(secret=third).user == user
    User.objects.filter(pk=user.pk).update(is_active=False)
    for secret in (first, second, third, "em_unknown", ""):
        with pytest.raises(InvalidTokenError):
            use_token(secret=secret)


def test_the_use_of_a_token_is_noted_once_a_minute_and_costs_one_query_otherwise(
    django_assert_num_queries: Callable[[int], AbstractContextManager[object]],
):
    token, secret = create_token(user=make_user(), name="daw", scopes=[Scope.READ])
    with django_assert_num_queries(2):
        use_token(secret=secret)
    with django_assert_num_queries(1):
        assert use_token(secret=secret).user.is_active
    long_ago = timezone.now() - timedelta(minutes=2)
    ApiToken.objects.filter(pk=token.pk).update(last_used_at=long_ago)
    use_token(secret=secret)
    noted = ApiToken.objects.get(pk=token.pk).last_used_at
    assert noted is not None
    assert noted > long_ago


@pytest.mark.parametrize(
    ("name", "scopes"), [("a", []), ("a", ["everything"]), (" ", [Scope.READ])]
)
def test_a_token_needs_a_name_and_known_scopes(name: str, scopes: list[str]):
    with pytest.raises(TokenRefusedError):
        create_token(user=make_user(), name=name, scopes=scopes)


def test_people_see_the_libraries_in_which_they_or_their_groups_have_a_role():
    mine, ours, theirs = LibraryFactory.create_batch(3)
    user = make_user(Role.VIEWER, mine)
    group = Group.objects.create(name="editors")
    user.groups.add(group)
    LibraryRole.objects.create(library=ours, group=group, role=Role.EDITOR)
    file = AudioFileFactory(library=ours)
    hidden = AudioFileFactory(library=theirs)

    assert set(visible_libraries(user)) == {mine, ours}
    assert set(visible_libraries(user, role=Role.EDITOR)) == {ours}
    assert set(visible_files(user)) == {file}
    assert set(visible_files(make_user(superuser=True))) == {file, hidden}
    assert require_file(user, file.pk, Role.REVIEWER) == file
    with pytest.raises(NotFoundError):
        require_file(user, hidden.pk)


def test_the_highest_role_counts_and_too_low_a_one_is_not_enough():
    library = LibraryFactory()
    user = make_user(Role.VIEWER, library)
    group = Group.objects.create(name="editors")
    user.groups.add(group)
    LibraryRole.objects.create(library=library, group=group, role=Role.EDITOR)

    assert role_of(user, library) == Role.EDITOR
    require_role(user, library, Role.REVIEWER)
    with pytest.raises(NotAllowedError):
        require_library(user, library.pk, Role.MANAGER)
    with pytest.raises(NotFoundError):
        require_role(make_user(), library, Role.VIEWER)
    require_role(make_user(superuser=True), library, Role.MANAGER)


def test_a_role_is_held_by_a_user_or_a_group_and_once():
    library = LibraryFactory()
    user = make_user(Role.VIEWER, library)
    group = Group.objects.create(name="all")
    wrong = [{}, {"user": user, "group": group}, {"user": user}, {"group": group, "role": "king"}]
    for holder in wrong:
        with pytest.raises(IntegrityError), transaction.atomic():
            LibraryRole.objects.create(**{"library": library, "role": Role.EDITOR} | holder)
