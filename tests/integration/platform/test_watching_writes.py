"""The queue of writes and the scans, as Prometheus and `jobs doctor` see them."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest
from django.conf import LazySettings
from django.utils import timezone

from earmark.jobs.diagnosis import diagnose
from earmark.jobs.metrics import JobCollector
from earmark.jobs.models import Run
from earmark.jobs.services import report_worker
from earmark.library.models import Scan
from earmark.library.services import claim_scan, request_scan
from earmark.writeback.asking import request_writes
from earmark.writeback.models import TagWrite, WriteRequest
from earmark.writeback.watching import WriteCollector
from earmark.writeback.write_queue import claim_writes, postpone_write
from tests.factories import AudioFileFactory, LibraryFactory, RunFactory

pytestmark = pytest.mark.django_db


@pytest.fixture
def run(tmp_path: Path, data_dir: Path, settings: LazySettings) -> Run:
    settings.EARMARK_BROKER_URL = "memory://"
    run = RunFactory(library=LibraryFactory(root=str(tmp_path)))
    files = [AudioFileFactory(library=run.library).pk for _ in range(3)]
    request_writes(run=run, tags_keys=dict.fromkeys(files, "key"))
    return run


def codes() -> set[str]:
    told = {finding.code for finding in diagnose()}
    return told - {"disk_full", "library_offline"}  # what the machine is like is not the question


def values(*collectors: JobCollector | WriteCollector) -> dict[tuple[str, ...], float]:
    return {
        (sample.name, *sample.labels.values()): sample.value
        for collector in collectors
        for metric in collector.collect()
        for sample in metric.samples
    }


def test_writes_are_counted_by_their_state(run: Run):
    batch = claim_writes(worker="one", threads=1, limit=2)
    assert batch is not None
    postpone_write(write=batch.writes[0])
    WriteRequest.objects.filter(state="queued", failures=0).update(
        due_at=timezone.now() - timedelta(seconds=90)
    )

    found = values(WriteCollector())

    assert [found["earmark_writes", s] for s in ("queued", "running", "delayed")] == [1, 1, 1]
    assert 90 <= found["earmark_oldest_write_seconds",] < 120


def test_scans_are_counted_by_their_state(run: Run):
    request_scan(library=run.library)
    Scan.objects.update(created_at=timezone.now() - timedelta(seconds=60))

    found = values(JobCollector())

    assert found["earmark_scans", "queued"] == 1
    assert 60 <= found["earmark_oldest_scan_seconds",] < 90


def test_the_doctor_misses_a_worker_that_writes(run: Run):
    assert codes() == {"no_worker"}
    report_worker(name="w", queues=["write"])
    assert codes() == set()


def test_the_doctor_tells_of_leases_that_nobody_takes_back(run: Run):
    report_worker(name="w", queues=["write", "scan"])
    assert claim_writes(worker="gone", threads=1, limit=9) is not None
    request_scan(library=run.library)
    assert claim_scan(worker="gone") is not None
    past = timezone.now() - timedelta(minutes=1)
    WriteRequest.objects.update(lease_until=past)
    Scan.objects.update(lease_until=past)

    problems = [found.problem for found in diagnose() if found.code == "lease_expired"]

    assert len(problems) == 2
    assert any("3 writes" in problem for problem in problems)
    assert any(run.library.name in problem for problem in problems)


def test_the_doctor_says_when_a_volume_gets_no_more_writes(run: Run, settings: LazySettings):
    settings.EARMARK_WRITES_PER_VOLUME = 1
    report_worker(name="w", queues=["write"])
    assert claim_writes(worker="w", threads=1, limit=1) is not None
    assert codes() == set()

    WriteRequest.objects.filter(state="queued").update(
        due_at=timezone.now() - timedelta(minutes=11)
    )

    assert codes() == {"volume_busy"}


def test_the_doctor_says_why_all_writes_wait(run: Run):
    report_worker(name="w", queues=["write"])
    batch = claim_writes(worker="w", threads=1, limit=9)
    assert batch is not None
    for write in batch.writes:
        TagWrite.objects.create(
            file_id=write.file_id,
            tags_key="key",
            state="failed",
            error_code="no_space",
            error_message="The volume is full.",
            finished_at=timezone.now(),
        )
        postpone_write(write=write)

    (found,) = (one for one in diagnose() if one.code == "waits_for_next_try")

    assert "3 writes" in found.problem
    assert "The volume is full." in found.problem
