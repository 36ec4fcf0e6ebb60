"""What the tests of the queue share."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from django.db import connection

from earmark.classifiers.models import ClassifierVersion
from earmark.library.models import Library
from tests.factories import LibraryFactory
from tests.review_queue import listener


@pytest.fixture
def library(data_dir: object) -> Library:
    return LibraryFactory(name="Foley")


@pytest.fixture
def classifier(data_dir: object) -> ClassifierVersion:
    return listener()


@pytest.fixture
def log_can_be_emptied(transactional_db: None) -> Iterator[None]:
    """Empty the log after the test: SQLite refuses that to the test runner, rightly."""
    yield
    if connection.vendor != "sqlite":
        return
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT name, sql FROM sqlite_master WHERE type = 'trigger' AND tbl_name = %s",
            ["review_decision"],
        )
        triggers = cursor.fetchall()
        for name, _ in triggers:
            cursor.execute(f"DROP TRIGGER {name}")
        cursor.execute("DELETE FROM review_decision")
        for _, statement in triggers:
            cursor.execute(statement)
