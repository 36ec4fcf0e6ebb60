"""Runs, jobs, classifiers and health over the API."""

from __future__ import annotations

from typing import Any

import pytest

from earmark.core.health import CHECKS
from earmark.jobs.models import Job, Run
from earmark.jobs.services import claim_jobs, fail_job
from earmark.library.access import Role
from earmark.library.models import Library
from tests.api_client import anonymous, make_user, signed_in
from tests.factories import (
    AudioFileFactory,
    ClassifierVersionFactory,
    JobFactory,
    LibraryFactory,
    RunFactory,
)

pytestmark = pytest.mark.django_db


@pytest.fixture
def library() -> Library:
    """Return a library of two files."""
    library = LibraryFactory()
    AudioFileFactory(library=library, path="Rain/heavy.wav")
    AudioFileFactory(library=library, path="dust.wav")
    return library


def submit(library: Library, **values: object) -> Any:
    client = signed_in(make_user(Role.EDITOR, library))
    return client.post("/api/v1/runs", {"library": library.pk, **values})


def test_a_run_is_accepted_and_says_how_far_it_is(library: Library):
    classifier = ClassifierVersionFactory(name="listener")

    answer = submit(library, classifiers=["listener"], write=True)

    assert answer.status_code == 202
    body = answer.json()
    assert (body["state"], body["classifiers"]) == ("queued", [classifier.identity])
    assert (body["jobs"]["queued"], body["jobs"]["total"]) == (2, 2)
    assert body["write"] is True
    assert Run.objects.get().requested_by.username == body["requested_by"]


def test_a_run_is_about_the_files_that_were_named(library: Library):
    ClassifierVersionFactory(name="listener")
    file = library.files.get(path="dust.wav")

    for which in ({"under": "Rain"}, {"query": "path:dust"}, {"files": [file.pk]}, {"limit": 1}):
        answer = submit(library, classifiers=["listener"], mode="force", **which)
        assert answer.json()["jobs"]["total"] == 1, which


@pytest.mark.parametrize(
    ("values", "status", "code"),
    [
        ({"classifiers": ["unknown"]}, 409, "classifier_unavailable"),
        ({"classifiers": ["listener", "listener"]}, 409, "classifier_unavailable"),
        ({"classifiers": ["listener"], "query": 'tag:"'}, 400, "selection_invalid"),
        ({"classifiers": ["listener"], "files": [10**9]}, 400, "selection_invalid"),
        ({"classifiers": ["listener"], "under": "../x"}, 400, "invalid_input"),
        ({"classifiers": "listener"}, 400, "invalid_input"),
        ({"classifiers": ["listener"], "mode": "all"}, 400, "invalid_input"),
    ],
)
def test_a_run_that_cannot_be_is_refused(
    library: Library, values: dict[str, object], status: int, code: str
):
    ClassifierVersionFactory(name="listener")

    answer = submit(library, **values)

    assert (answer.status_code, answer.json()["code"]) == (status, code)
    assert not Run.objects.exists()


def test_files_of_other_libraries_are_not_run(library: Library):
    ClassifierVersionFactory(name="listener")
    theirs = AudioFileFactory()

    assert submit(library, classifiers=["listener"], files=[theirs.pk]).status_code == 400
    client = signed_in(make_user(Role.EDITOR, library))
    assert client.post("/api/v1/runs", {"library": theirs.library.pk}).status_code == 404
    viewer = signed_in(make_user(Role.VIEWER, library))
    assert viewer.post("/api/v1/runs", {"library": library.pk}).status_code == 403


def test_a_run_is_paused_resumed_and_cancelled(library: Library):
    run = RunFactory(library=library)
    JobFactory(run=run)
    client = signed_in(make_user(Role.EDITOR, library))

    def do(act: str) -> str:
        answer = client.post(f"/api/v1/runs/{run.pk}/{act}")
        assert answer.status_code == 200
        return str(answer.json()["state"])

    assert do("pause") == "paused"
    assert [one["id"] for one in client.get("/api/v1/runs?paused=true").json()["results"]] == [
        run.pk
    ]
    assert do("resume") == "queued"
    assert do("cancel") == "cancelled"
    refused = client.post(f"/api/v1/runs/{run.pk}/retry")
    assert (refused.status_code, refused.json()["code"]) == (409, "run_cancelled")


def test_failed_jobs_are_found_by_their_reason_and_tried_again(library: Library):
    run = RunFactory(library=library, max_tries=1)
    job = JobFactory(run=run)
    (claimed,) = claim_jobs(classifiers=[job.classifier], worker="w", limit=1)
    fail_job(claim=claimed.claim, code="decode_timeout", message="It took too long.")
    client = signed_in(make_user(Role.EDITOR, library))

    (failed,) = client.get("/api/v1/jobs", {"run": run.pk, "code": "decode_timeout"}).json()[
        "results"
    ]
    assert (failed["id"], failed["reason_message"]) == (job.pk, "It took too long.")
    other = client.post(f"/api/v1/runs/{run.pk}/retry", {"codes": ["other"]})
    assert other.json()["jobs"]["failed"] == 1
    again = client.post(f"/api/v1/runs/{run.pk}/retry", {})
    assert again.json()["jobs"]["queued"] == 1


def test_runs_and_jobs_of_other_libraries_are_not_there(library: Library):
    job = JobFactory()
    client = signed_in(make_user(Role.MANAGER, library))

    assert client.get("/api/v1/runs").json()["results"] == []
    assert client.get("/api/v1/jobs").json()["results"] == []
    assert client.get(f"/api/v1/runs/{job.run.pk}").status_code == 404
    assert client.post(f"/api/v1/runs/{job.run.pk}/cancel").status_code == 404
    assert client.get(f"/api/v1/jobs/{job.pk}").status_code == 404
    assert Job.objects.get().state == "queued"


def test_pages_of_runs_and_jobs_take_the_same_queries_for_one_and_for_many(
    library: Library, django_assert_max_num_queries: Any
):
    for _ in range(5):
        run = RunFactory(library=library)
        run.classifiers.add(JobFactory(run=run).classifier)
    client = signed_in(make_user(Role.VIEWER, library))

    with django_assert_max_num_queries(4):  # session, user, page, classifiers
        client.get("/api/v1/runs")
    with django_assert_max_num_queries(4):  # session, user, runs that may be seen, page
        client.get("/api/v1/jobs")


def test_classifiers_tell_what_they_can_hear():
    classifier = ClassifierVersionFactory(name="listener")
    ClassifierVersionFactory(name="gone", installed=False)
    client = signed_in(make_user())

    (listed,) = client.get("/api/v1/classifiers?installed=true").json()["results"]
    detail = client.get(f"/api/v1/classifiers/{classifier.pk}").json()

    assert (listed["name"], listed["label_count"]) == ("listener", 3)
    assert detail["labels"][1] == {"id": "/m/0bt9lr", "name": "Dog"}


def test_health_is_for_everybody_and_names_what_fails(monkeypatch: pytest.MonkeyPatch):
    well = anonymous().get("/api/v1/health")
    monkeypatch.setitem(CHECKS, "broker", lambda: "connection refused by 10.0.0.7")  # type: ignore[arg-type]
    ill = anonymous().get("/api/v1/health")

    assert (well.status_code, well.json()["status"]) == (200, "ok")
    assert (ill.status_code, ill.json()["parts"]["broker"]) == (503, "failed")
    assert "10.0.0.7" not in ill.content.decode()
