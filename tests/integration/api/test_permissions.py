"""Every request as everybody: allowed, refused and hidden is what docs/permissions.md says."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.core.signals import request_finished
from django.db import close_old_connections, connection, transaction
from rest_framework.test import APIClient

from earmark.accounts.scopes import Scope
from earmark.library.access import Role
from tests.api_client import anonymous, make_user, signed_in, with_token
from tests.integration.api.endpoints import Endpoint, Subject, list_endpoints
from tests.integration.api.examples import REQUESTS, World, address, example_of
from tests.integration.api.permission_table import PAGE, render


def test_every_view_says_who_may_do_what():
    silent = [endpoint.name for endpoint in list_endpoints() if endpoint.access is None]

    assert silent == []


def test_every_scope_is_one_that_tokens_can_have():
    scopes = {
        str(endpoint.access.scope)
        for endpoint in list_endpoints()
        if endpoint.access is not None and not endpoint.access.public
    }

    assert scopes <= set(Scope.values)


def test_the_page_about_permissions_is_what_the_views_declare():
    written = PAGE.read_text(encoding="utf-8")

    assert written == render(), "python -m tests.integration.api.permission_table writes it anew"


def clients_of(world: World) -> dict[Subject | Scope, tuple[APIClient, User]]:
    """Return everybody who asks; tokens that lack a scope go by the scope that they lack."""
    root = make_user(superuser=True)
    people: dict[Subject | Scope, tuple[APIClient, User]] = {
        Subject.ANONYMOUS: (anonymous(), root),
        Subject.SUPERUSER: (signed_in(root), root),
    }
    for lacking in Scope:
        people[lacking] = (with_token(root, [one for one in Scope if one != lacking]), root)
    for subject in Subject:
        if subject not in {*people, Subject.SCOPELESS}:
            role = None if subject is Subject.NOBODY else Role(subject.value)
            user = make_user(role, world.library)
            people[subject] = (signed_in(user), user)
    return people


def has_examples(endpoint: Endpoint) -> bool:
    return all(example_of(endpoint.path, name) is not None for name in endpoint.variables)


def ask(endpoint: Endpoint, client: APIClient, user: User, world: World) -> str:
    """Send the request, take back what it did, and return ``yes`` or the status of a refusal."""
    extra: dict[str, Any] = dict(REQUESTS.get(endpoint.name, lambda world: {})(world))
    with transaction.atomic():
        where = address(endpoint.path, endpoint.variables, world, user)
        answer = getattr(client, endpoint.method)(where, **extra)
        if answer.streaming:
            close_stream(answer)
        transaction.set_rollback(True)
    status = answer.status_code
    if status in {401, 403, 404, 405}:
        return str(status)
    return "yes" if status < 500 else f"{status}: {answer.content[:200]!r}"


def close_stream(answer: Any) -> None:
    """End an answer that was not read; the connection, with which the test works, stays."""
    request_finished.disconnect(close_old_connections)
    answer.close()
    request_finished.connect(close_old_connections)


def test_there_is_an_example_of_everything_that_addresses_name():
    missing = {
        f"{endpoint.path} {name}"
        for endpoint in list_endpoints()
        for name in endpoint.variables
        if example_of(endpoint.path, name) is None
    }

    assert missing == set(), "tests/integration/api/examples.py: add to VARIABLES"


@pytest.mark.django_db
@pytest.mark.usefixtures("data_dir")
def test_every_endpoint_answers_everybody_as_the_page_says(tmp_path: Path):
    if connection.vendor != "sqlite":
        pytest.skip("Who may do what does not depend on the database.")
    world = World(tmp_path / "sounds")
    world.folder.mkdir()
    for thing in (world.file, world.job, world.other_user, world.group, world.webhook):
        assert thing
    people = clients_of(world)
    wrong = []
    for endpoint in list_endpoints():
        access = endpoint.access
        if access is None or not has_examples(endpoint):
            continue
        for subject in Subject:
            if access.public and subject is not Subject.ANONYMOUS:
                continue
            who = Scope(access.scope) if subject is Subject.SCOPELESS else subject
            got, wanted = ask(endpoint, *people[who], world), endpoint.expected(subject)
            if got != wanted:
                wrong.append(f"{endpoint.name} as {subject.value}: {got} instead of {wanted}")

    assert wrong == []
