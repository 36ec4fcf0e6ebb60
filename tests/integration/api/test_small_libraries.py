"""Who sees a small library does not wait for the millions of rows of large ones."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from earmark.jobs.models import Job
from earmark.library.access import Role
from earmark.library.models import Library
from earmark.writeback.models import TagWrite
from tests.api_client import make_user, signed_in
from tests.factories import AudioFileFactory, JobFactory, LibraryFactory

pytestmark = [
    pytest.mark.django_db,
    pytest.mark.skipif(connection.vendor == "sqlite", reason="reads plans of PostgreSQL"),
]

MANY = 1500
FEW = 3


def fill(library: Library, number: int) -> None:
    """Make files with a job and a write each, as the database makes them fast."""
    job = JobFactory(run__library=library, file__library=library)
    write = TagWrite.objects.create(file=job.file, tags_key="key")
    files = [job.file, *AudioFileFactory.build_batch(number - 1, library=library)]
    type(job.file).objects.bulk_create(files[1:])
    for row, model in ((job, Job), (write, TagWrite)):
        values = {k: v for k, v in vars(row).items() if k not in ("id", "_state", "file_id")}
        values = {k: v for k, v in values.items() if not k.startswith("_")}
        model.objects.bulk_create(model(**values, file=file) for file in files[1:])


@pytest.fixture
def small() -> Library:
    library, large = LibraryFactory(), LibraryFactory()
    fill(library, FEW)
    fill(large, MANY)
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE")
    return library


def nodes(plan: dict[str, Any]) -> Iterator[dict[str, Any]]:
    yield plan
    for part in plan.get("Plans", []):
        yield from nodes(part)


def test_pages_are_found_without_going_through_the_rows_of_others(small: Library):
    client = signed_in(make_user(Role.VIEWER, small))
    for address, there in (("jobs", FEW), ("tag-writes", FEW), ("tag-writes?state=failed", 0)):
        with CaptureQueriesContext(connection) as asked:
            answer = client.get(f"/api/v1/{address}")

        assert len(answer.json()["results"]) == there
        (page,) = (one["sql"] for one in asked if "LIMIT 51" in one["sql"])
        for node in nodes(explain(page)):
            removed = sum(value for key, value in node.items() if key.startswith("Rows Removed"))
            read = node["Actual Rows"] * node["Actual Loops"] + removed
            assert read < MANY / 10, (address, node)


def explain(sql: str) -> dict[str, Any]:
    with connection.cursor() as cursor:
        cursor.execute(f"EXPLAIN (ANALYZE, FORMAT JSON) {sql}")
        (told,) = cursor.fetchone()
    plan: dict[str, Any] = (told if isinstance(told, list) else json.loads(told))[0]["Plan"]
    return plan
