"""A claim costs as much in a run over a million files as in one over a few."""

from __future__ import annotations

import json
from typing import Any

import pytest
from django.db import connection
from django.db.models.functions import Now
from django.test.utils import CaptureQueriesContext

from earmark.jobs.models import Job, Run
from earmark.jobs.services import claim_jobs, submission, submit_run
from earmark.library.models import AudioFile, Library
from tests.factories import AudioFileFactory, ClassifierVersionFactory, LibraryFactory

pytestmark = [
    pytest.mark.django_db,
    pytest.mark.skipif(connection.vendor == "sqlite", reason="reads plans of PostgreSQL"),
]

MANY = 3000
TAKEN = 10


@pytest.fixture
def library() -> Library:
    library = LibraryFactory()
    AudioFile.objects.bulk_create(AudioFileFactory.build_batch(MANY, library=library))
    return library


@pytest.mark.parametrize("classifiers", [1, 2])
def test_neither_jobs_that_wait_nor_those_that_are_done_are_gone_through(
    library: Library,
    classifiers: int,
    monkeypatch: pytest.MonkeyPatch,
    django_capture_on_commit_callbacks: Any,
):
    monkeypatch.setattr(submission, "MANY", MANY)
    hosted = ClassifierVersionFactory.create_batch(classifiers)
    with django_capture_on_commit_callbacks(execute=True):
        submit_run(library=library, classifiers=hosted)

    first = rows_touched_by_a_claim(hosted)
    done = Job.objects.filter(pk__lt=Job.objects.queued().order_by("pk")[MANY // 2].pk)
    done.update(state=Job.State.SUCCEEDED, worker="", lease_until=None, finished_at=Now())
    later = rows_touched_by_a_claim(hosted)

    assert Run.objects.get().state == Run.State.RUNNING
    assert first < 30 * TAKEN * classifiers
    assert later < 30 * TAKEN * classifiers


def rows_touched_by_a_claim(hosted: list[Any]) -> float:
    """Claim, and return how many rows the steps of the claiming statement looked at."""
    with CaptureQueriesContext(connection) as queries:
        jobs = claim_jobs(classifiers=hosted, worker="one", limit=TAKEN)
    assert len(jobs) == TAKEN * len(hosted)
    (claim,) = [query["sql"] for query in queries if "WITH chosen" in query["sql"]]
    Job.objects.filter(pk__in=[job.job_id for job in jobs]).update(
        state=Job.State.QUEUED, worker="", lease_until=None, started_at=None
    )
    with connection.cursor() as cursor:
        cursor.execute("EXPLAIN (ANALYZE, FORMAT JSON) " + claim.replace("%", "%%"), [])
        found = cursor.fetchone()[0]
    (plan,) = json.loads(found) if isinstance(found, str) else found
    return _rows(plan["Plan"])


def _rows(step: dict[str, Any]) -> float:
    here = step["Actual Rows"] + step.get("Rows Removed by Filter", 0)
    here += step.get("Rows Removed by Join Filter", 0)
    return float(here * step["Actual Loops"] + sum(map(_rows, step.get("Plans", []))))
