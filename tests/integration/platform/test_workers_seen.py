"""Workers tell that they are there, and the platform notices when they no longer are."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone

from earmark.jobs.models import Worker
from earmark.jobs.selectors import list_workers
from earmark.jobs.services import DeviceUse, forget_worker, report_worker

pytestmark = pytest.mark.django_db


def test_a_worker_that_reports_again_stays_one_row_with_the_newest_values():
    report_worker(name="a", queues=["classify.cpu"], classifiers=["audioset@1.0.0"])
    begun = Worker.objects.get().started_at

    report_worker(name="a", queues=["classify.gpu"], device="cuda:0", use=DeviceUse(0.95, 10, 80))

    (row,) = list_workers()
    assert (row.queues, row.classifiers, row.device) == (["classify.gpu"], [], "cuda:0")
    assert (row.batch_fill, row.device_memory_used, row.device_memory_total) == (0.95, 10, 80)
    assert row.started_at == begun
    assert abs(row.host_time - row.last_seen_at) < timedelta(seconds=5)


def test_a_silent_worker_is_absent_and_forgotten_in_the_end():
    report_worker(name="silent", queues=["write"])
    report_worker(name="alive", queues=["write"])
    Worker.objects.filter(name="silent").update(last_seen_at=timezone.now() - timedelta(minutes=2))

    assert [worker.name for worker in list_workers()] == ["alive"]

    Worker.objects.filter(name="silent").update(last_seen_at=timezone.now() - timedelta(days=2))
    forget_worker(name="alive")
    assert not Worker.objects.exists()
