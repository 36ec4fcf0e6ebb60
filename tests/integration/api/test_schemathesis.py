"""Whatever the OpenAPI document allows is sent, as everybody, and what comes back is in it.

A few requests for each operation; ``EARMARK_API_EXAMPLES=100`` sends more (`make schemathesis`).
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import schemathesis
from django.core.signals import request_finished, request_started
from django.core.wsgi import get_wsgi_application
from django.db import close_old_connections, connection, transaction
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from schemathesis import GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.core.failures import FailureGroup
from schemathesis.specs.openapi.checks import (
    allow_header_conformance,
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from earmark.library.access import Role
from tests.api_client import make_token, make_user
from tests.integration.api.endpoints import PREFIX, Subject
from tests.integration.api.examples import World, example_of

EXAMPLES = int(os.environ.get("EARMARK_API_EXAMPLES", "0"))
_FEW = {GenerationMode.POSITIVE: 2, GenerationMode.NEGATIVE: 1}
_CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    allow_header_conformance,
]
# Those who get furthest come first: Hypothesis begins with the first of everything.
_SUBJECTS = [subject for subject in reversed(Subject) if subject is not Subject.SCOPELESS]


@pytest.fixture
def world(tmp_path: Path, data_dir: Path) -> World:
    world = World(tmp_path / "sounds")
    world.folder.mkdir()
    for thing in (world.file, world.job, world.other_user, world.group, world.webhook):
        assert thing
    return world


@pytest.fixture
def connection_stays() -> Iterator[None]:
    """Keep requests from closing the connection whose transaction is the test's."""
    signals = (request_started, request_finished)
    for signal in signals:
        signal.disconnect(close_old_connections)
    yield
    for signal in signals:
        signal.connect(close_old_connections)


class Asker:
    """Sends requests as somebody, about things that are there or not."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._users = {}
        self._headers: dict[Subject, dict[str, str]] = {}
        for subject in _SUBJECTS:
            role = Role(subject.value) if subject.value in Role.values else None
            user = make_user(role, world.library, superuser=subject is Subject.SUPERUSER)
            self._users[subject] = user
            token = make_token(user)
            known = subject is not Subject.ANONYMOUS
            self._headers[subject] = {"Authorization": f"Bearer {token}"} if known else {}

    def ask(self, case: Any, subject: Subject, there: bool) -> None:
        """Send a request, take back what it did, and raise what is wrong with the answer."""
        with transaction.atomic():
            if there:
                path = case.operation.path.removeprefix(f"/{PREFIX}")
                for name in case.path_parameters or {}:
                    example = example_of(path, name)
                    assert example is not None
                    case.path_parameters[name] = example(self._world, self._users[subject])
            # Nobody says what they accept here, so no answer is an endless stream.
            case.headers.pop("Authorization", None)
            response = case.call(headers=self._headers[subject])
            transaction.set_rollback(True)
        case.validate_response(response, checks=_CHECKS)


def try_operation(operation: Any, asker: Asker, strategy: Any, number: int) -> str | None:
    """Send requests of one kind to an operation; return what was wrong, if anything was."""

    @settings(
        max_examples=number,
        deadline=None,
        database=None,
        derandomize=True,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(case=strategy, subject=st.sampled_from(_SUBJECTS), there=st.sampled_from([True, False]))
    def send(case: Any, subject: Subject, there: bool) -> None:
        asker.ask(case, subject, there)

    try:
        send()
    except FailureGroup as failures:
        return f"{operation.label}: {failures.exceptions[0]}"
    except Exception as error:  # noqa: BLE001 -- what a view did not foresee; all operations are to be tried
        return f"{operation.label}: {type(error).__name__}: {error}"
    return None


@pytest.mark.django_db
@pytest.mark.usefixtures("connection_stays")
def test_answers_are_those_that_the_document_names(world: World):
    if connection.vendor != "postgresql" and not EXAMPLES:
        pytest.skip("PostgreSQL refuses more; what it takes SQLite takes too.")
    schema = schemathesis.openapi.from_wsgi("/api/v1/schema", get_wsgi_application())
    asker = Asker(world)
    wrong = []
    for result in schema.get_all_operations():
        operation = result.ok()
        for mode in _FEW:
            strategy = operation.as_strategy(generation_mode=mode)
            wrong.append(try_operation(operation, asker, strategy, EXAMPLES or _FEW[mode]))

    told = [failure for failure in wrong if failure]
    assert not told, "\n\n".join(told)
