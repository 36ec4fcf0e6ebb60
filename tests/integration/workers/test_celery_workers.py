"""Runs through real Celery workers over real Redis: to the last tag, whatever is killed."""

from __future__ import annotations

import signal
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import soundfile
from django.db import connection

from earmark_files.metadata import read_tags
from tests.celery_harness import Site, site
from tests.servers import Redis
from tests.tag_harness import descendants, noise, sine, wait_for, wait_for_end

# Two minutes of processes: once is enough, on the database that sites with a broker use.
pytestmark = [
    pytest.mark.django_db,
    pytest.mark.timeout(600),
    pytest.mark.skipif(
        connection.vendor != "postgresql", reason="tried on PostgreSQL: make test-postgres"
    ),
]

EVERYTHING = ("scan", "classify.cpu", "write")
GRACE_S = 30


@pytest.fixture
def here(tmp_path: Path, broker: Redis) -> Iterator[Site]:
    with site(tmp_path, broker) as made:
        yield made


@pytest.fixture
def sounds(tmp_path: Path) -> Path:
    folder = tmp_path / "sounds"
    folder.mkdir()
    return folder


def stop(*processes) -> float:
    """Ask processes to end; return how long that took."""
    begun = time.monotonic()
    for process in processes:
        process.send_signal(signal.SIGTERM)
    for process in processes:
        assert process.wait(60) == 0
    return time.monotonic() - begun


def test_two_runs_reach_the_files_once_and_bad_ones_cost_the_good_ones_nothing(
    here: Site, sounds: Path
):
    for number in range(3):
        sine(sounds / f"tone {number}.wav", frequency=440.0 + 100 * number)
        noise(sounds / f"noise {number}.wav", seed=number)
    (sounds / "broken.wav").write_bytes(b"not audio at all")
    soundfile.write(sounds / "killer.wav", np.full(24000, 0.9), 16000)  # see tests.bands_classifier
    here.submit(sounds, runs=2)

    worker, clock = here.start_worker(*EVERYTHING), here.start_clock()
    wait_for(here.is_done, 240)

    assert here.states() == {"succeeded": 12, "failed": 4}
    codes = here.rows("SELECT reason_code FROM jobs_job WHERE state = 'failed' ORDER BY 1")
    assert codes == [("not_audio",)] * 2 + [("worker_died",)] * 2
    assert here.count_windows() == 2 * 6, "the second run has nothing to hear"
    for number in range(3):
        assert "Sine wave" in read_tags(sounds / f"tone {number}.wav").keywords
    written = here.rows("SELECT file_id, count(*) FROM writeback_tagwrite GROUP BY 1")
    assert sorted(count for _, count in written) == [1] * 6
    children = descendants(worker.pid)
    assert stop(worker, clock) < GRACE_S
    wait_for_end(children)
    assert here.rows("SELECT count(*) FROM jobs_worker") == [(0,)]


def test_a_worker_that_is_asked_to_end_gives_back_what_it_holds(here: Site, sounds: Path):
    for number in range(12):
        sine(sounds / f"{number}.wav", frequency=200.0 + 10 * number, seconds=3)
    here.submit(sounds)
    here.extra["BANDS_SECONDS_PER_WINDOW"] = "0.5"
    first, clock = here.start_worker(*EVERYTHING), here.start_clock()
    wait_for(lambda: here.states().get("succeeded", 0) > 0, 120)

    took = stop(first)

    assert took < GRACE_S
    states = here.states()
    assert states.get("running", 0) == 0
    assert states["queued"] > 0
    here.extra["BANDS_SECONDS_PER_WINDOW"] = "0"
    here.start_worker(*EVERYTHING)
    wait_for(here.is_done, 120)
    assert here.states() == {"succeeded": 12}
    assert here.rows("SELECT max(lost_leases) FROM jobs_job") == [(0,)]
    assert clock.poll() is None
