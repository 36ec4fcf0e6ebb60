"""`/healthz`, `/readyz` and `/metrics` of the web process."""

from __future__ import annotations

import pytest
from django.db import connection
from django.db.migrations.recorder import MigrationRecorder
from django.test import Client
from prometheus_client.parser import text_string_to_metric_families

from earmark.jobs.services import DeviceUse, claim_jobs, fail_job, pause_run, report_worker
from tests.factories import JobFactory, work_off

pytestmark = pytest.mark.django_db


def samples(client: Client, **headers: str) -> dict[tuple[str, str], float]:
    """Return values by name and by the values of the labels."""
    page = client.get("/metrics", headers=headers)
    assert page.status_code == 200
    assert page["Content-Type"].startswith("text/plain; version=0.0.4")
    return {
        (sample.name, ",".join(sorted(sample.labels.values()))): sample.value
        for family in text_string_to_metric_families(page.text)
        for sample in family.samples
    }


def test_the_process_says_that_it_is_alive_without_asking_the_database(client: Client):
    with connection.execute_wrapper(lambda *_: pytest.fail("the database was asked")):
        assert client.get("/healthz").json() == {"status": "ok"}


def test_an_installation_is_ready_when_its_database_is_up_to_date(client: Client):
    parts = {"database": "ok", "migrations": "ok", "broker": "ok"}
    assert client.get("/readyz").json() == {"status": "ok", "parts": parts}

    MigrationRecorder.Migration.objects.filter(app="jobs", name="0006_run_events").delete()
    behind = client.get("/readyz")

    assert behind.status_code == 503
    assert behind.json()["parts"] == parts | {"migrations": "failed"}


def test_metrics_tell_depth_age_speed_failures_and_workers(client: Client):
    job = JobFactory()
    for _ in range(3):
        JobFactory(run=job.run, classifier=job.classifier, file__library=job.run.library)
    done, bad, _ = claim_jobs(classifiers=[job.classifier], worker="w", limit=3)
    work_off([done])
    fail_job(claim=bad.claim, code="not_audio", message="No sound.")
    pause_run(run=JobFactory(classifier=job.classifier).run)
    report_worker(
        name="w", queues=["classify.gpu"], device="cuda:0", use=DeviceUse(0.95, 1 << 30, 8 << 30)
    )

    found = samples(client)

    assert found["earmark_jobs", "classify.cpu,queued"] == 1
    assert found["earmark_jobs", "classify.cpu,running"] == 1
    assert found["earmark_jobs", "classify.cpu,paused"] == 1
    assert 0 < found["earmark_oldest_job_seconds", ""] < 300
    assert found["earmark_audio_seconds_per_second", ""] == pytest.approx(1 / 60)
    assert found["earmark_jobs_failed", "not_audio"] == 1
    assert found["earmark_workers", "classify.gpu"] == 1
    assert found["earmark_worker_batch_fill", "cuda:0,w"] == 0.95
    assert found["earmark_worker_device_memory_bytes", "cuda:0,w"] == 1 << 30
    assert found["earmark_worker_device_memory_total_bytes", "cuda:0,w"] == 8 << 30


def test_metrics_are_for_this_machine_unless_there_is_a_token(client: Client, settings):
    assert client.get("/metrics", REMOTE_ADDR="10.0.0.7").status_code == 404
    assert client.get("/metrics", headers={"X-Forwarded-For": "10.0.0.7"}).status_code == 404
    assert samples(client)["earmark_oldest_job_seconds", ""] == 0

    settings.EARMARK_METRICS_TOKEN = "sesame"
    assert client.get("/metrics").status_code == 404
    wrong = client.get("/metrics", headers={"Authorization": "Bearer séame"})
    assert wrong.status_code == 404
    assert samples(client, Authorization="Bearer sesame")

    settings.EARMARK_METRICS_TOKEN = "off"
    assert client.get("/metrics", headers={"Authorization": "Bearer off"}).status_code == 404
