"""`manage.py jobs` shows runs, steers them, and says why nothing happens."""

from __future__ import annotations

import json
import os
from dataclasses import dataclass
from datetime import timedelta
from io import StringIO
from pathlib import Path

import pytest
from django.conf import LazySettings
from django.core.management import call_command, execute_from_command_line
from django.core.management.base import CommandError
from django.utils import timezone

from earmark.classifiers.models import ClassifierVersion
from earmark.jobs.diagnosis import machine
from earmark.jobs.models import Job, Run, Worker
from earmark.jobs.services import claim_jobs, fail_job, pause_run, report_worker
from earmark.library.models import Library
from earmark.library.paths import path_key
from tests.factories import AudioFileFactory, ClassifierVersionFactory, JobFactory, LibraryFactory
from tests.tag_harness import install_plugin

pytestmark = pytest.mark.django_db

INSTALLED = ("bands", "1.0.0")


@dataclass
class Told:
    status: int
    out: str
    err: str

    @property
    def values(self) -> list[dict[str, object]]:
        return [json.loads(line) for line in self.out.splitlines()]

    @property
    def codes(self) -> set[str]:
        return {str(row["code"]) for row in self.values}


def jobs(*arguments: object) -> Told:
    out, err = StringIO(), StringIO()
    try:
        call_command("jobs", *map(str, arguments), stdout=out, stderr=err)
    except CommandError as error:
        return Told(error.returncode, out.getvalue(), f"{err.getvalue()}{error}")
    return Told(0, out.getvalue(), err.getvalue())


@pytest.fixture
def library(tmp_path: Path, data_dir: Path) -> Library:
    root = tmp_path / "Foley"
    root.mkdir()
    (root / "door.wav").write_bytes(b"RIFF")
    return LibraryFactory(name="Foley", root=str(root), root_key=path_key(str(root)))


@pytest.fixture
def job(library: Library, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Job:
    plugins = install_plugin(tmp_path / "plugins")
    monkeypatch.syspath_prepend(plugins)
    monkeypatch.setenv("PYTHONPATH", f"{plugins}{os.pathsep}{os.environ.get('PYTHONPATH', '')}")
    return JobFactory(
        run__library=library, file__path="door.wav", file__library=library, run__max_tries=1
    )


def fail(job: Job) -> None:
    (held,) = claim_jobs(classifiers=[job.classifier], worker="w", limit=1)
    fail_job(claim=held.claim, code="decode_timeout", message="Too slow.", retryable=True)


def test_status_tells_of_open_runs_and_of_named_ones(job: Job):
    job.run.classifiers.add(job.classifier)

    told = jobs("status")
    (values,) = jobs("status", "--run", job.run_id, "--json").values

    assert f"run {job.run_id}  queued" in told.out
    assert "1 queued of 1" in told.out
    assert values["state"] == "queued"
    assert values["classifiers"] == [job.classifier.identity]
    assert values["jobs"] == {
        **dict.fromkeys(Job.State.values, 0), "queued": 1, "total": 1,
    }  # fmt: skip
    fail(job)
    assert jobs("status") == Told(0, "", "No run is open.\n")
    assert "1 failed of 1" in jobs("status", "--library", "Foley").out


def test_failed_jobs_are_listed_with_their_reason_and_tried_again_when_asked(job: Job):
    fail(job)

    (values,) = jobs("failed", "--json").values
    assert values["path"] == str(job.file.location)
    assert (values["code"], values["retryable"]) == ("decode_timeout", True)
    assert "decode_timeout: Too slow." in jobs("failed", "--run", job.run_id).out
    assert jobs("failed", "--code", "other").out == ""

    assert jobs("retry", "--library", "Foley", "--code", "other").out == ""
    assert jobs("retry", "--run", job.run_id).out == f"run {job.run_id}: 1 jobs queued again\n"
    job.refresh_from_db()
    assert job.state == "queued"


def test_runs_are_paused_resumed_and_cancelled(job: Job):
    assert jobs("pause").out == f"run {job.run_id}: paused\n"
    assert "paused" in jobs("status").out
    assert jobs("pause", "--library", "Foley").out == ""
    assert jobs("resume", "--run", job.run_id, "--json").values == [
        {"run": job.run_id, "paused": False}
    ]
    assert jobs("cancel", "--run", job.run_id).out == f"run {job.run_id}: 1 jobs cancelled\n"
    refused = jobs("retry", "--run", job.run_id)
    assert (refused.status, "run_cancelled" in refused.err) == (1, True)
    assert jobs("retry", "--library", "Foley").status == 0


def test_drain_waits_until_workers_hold_nothing(job: Job):
    assert "Workers hold nothing" in jobs("drain").err
    jobs("resume")
    claim_jobs(classifiers=[job.classifier], worker="w", limit=1)

    late = jobs("drain", "--timeout", 0)

    assert (late.status, "still hold 1 jobs" in late.err) == (1, True)
    assert Run.objects.get(pk=job.run_id).paused_at is not None


@pytest.mark.parametrize(
    "words",
    [["retry"], ["cancel"], ["status", "--run", "999999"], ["pause", "--library", "Nothing"]],
)
def test_a_wrong_command_line_has_status_2(words: list[str]):
    with pytest.raises(SystemExit) as ended:
        execute_from_command_line(["earmark", "jobs", *words])
    assert ended.value.code == 2


def serve(job: Job, **changes: object) -> None:
    """Make everything well: an installed classifier, and a worker."""
    name, version = INSTALLED
    row = ClassifierVersion.objects.filter(name=name).first()
    row = row or ClassifierVersionFactory(name=name, version=version)
    Job.objects.filter(pk=job.pk).update(classifier=row)
    report_worker(name="w", queues=["classify.cpu", "scan"])
    Worker.objects.update(**changes)


def test_the_doctor_finds_nothing_where_all_is_well(job: Job):
    serve(job)
    assert jobs("doctor") == Told(0, "", "Nothing keeps jobs from being done.\n")


def test_the_doctor_says_that_nobody_works_and_how_to_start_somebody(job: Job):
    serve(job, last_seen_at=timezone.now() - timedelta(minutes=2))

    told = jobs("doctor")

    assert told.status == 1
    assert "no_worker: No worker takes from the queue classify.cpu, where 1 wait." in told.out
    assert "earmark work" in told.out


def test_the_doctor_tells_a_pause_from_an_absent_classifier(job: Job):
    serve(job)
    pause_run(run=job.run)
    other = JobFactory(run__library=job.run.library, classifier__name="nobody-has-it")

    assert jobs("doctor", "--run", job.run_id, "--json").codes == {"run_paused"}
    assert jobs("doctor", "--run", other.run_id, "--json").codes == {"classifier_unusable"}
    ClassifierVersion.objects.filter(pk=other.classifier_id).update(enabled=False)
    assert "switched off" in jobs("doctor", "--run", other.run_id).out


def test_the_doctor_names_jobs_in_dead_hands(job: Job):
    serve(job)
    job.refresh_from_db()
    claim_jobs(classifiers=[job.classifier], worker="w", limit=1)
    assert jobs("doctor").status == 0
    long_ago = timezone.now() - timedelta(minutes=2)
    Worker.objects.update(last_seen_at=long_ago, host_time=long_ago)
    assert jobs("doctor", "--json").codes == {"lease_of_dead_worker"}
    Job.objects.update(lease_until=timezone.now() - timedelta(seconds=1))
    assert jobs("doctor", "--json").codes == {"lease_expired"}


def test_the_doctor_says_when_the_next_try_is(job: Job):
    serve(job)
    later = timezone.now() + timedelta(minutes=2)
    Job.objects.filter(pk=job.pk).update(not_before=later, reason_message="Too slow.")
    told = jobs("doctor")
    assert "waits_for_next_try" in told.out
    assert "Too slow." in told.out


def test_the_doctor_sees_libraries_that_are_away_or_empty(library: Library):
    AudioFileFactory(library=library)
    assert jobs("doctor", "--json").codes == set()
    (library.location / "door.wav").unlink()
    assert "is empty although files were there" in jobs("doctor").out
    library.location.rmdir()
    assert jobs("doctor", "--json").codes == {"library_offline"}


def test_the_doctor_sees_full_disks(library: Library, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(machine, "FULL_BELOW", 1 << 62)
    told = jobs("doctor", "--library", "Foley", "--json")
    assert told.codes == {"disk_full"}
    assert len(told.values) == 2  # of the data folder and of the library


def test_the_doctor_compares_the_clocks_of_workers_with_the_databases(job: Job):
    serve(job, host="studio", host_time=timezone.now() - timedelta(seconds=40))
    told = jobs("doctor")
    assert "clock_skew: The clock of studio is 40 s behind the database's." in told.out


def test_the_doctor_says_that_the_broker_is_away(job: Job, settings: LazySettings):
    from earmark.celery import app

    serve(job)
    settings.EARMARK_BROKER_URL = "redis://127.0.0.1:9/0"
    before = app.conf.broker_url
    app.conf.broker_url = settings.EARMARK_BROKER_URL
    try:
        assert jobs("doctor", "--json").codes == {"broker_away"}
    finally:
        app.conf.broker_url = before
