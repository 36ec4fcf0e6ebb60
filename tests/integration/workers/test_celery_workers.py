"""Runs through real Celery workers over real Redis: to the last tag, whatever happens to them.

The tests share two workers, which take seconds to start: on what their host names say are two
machines, over a Redis that delivers messages again after a second.
"""

from __future__ import annotations

import os
import re
import signal
import subprocess
import time
from collections.abc import Iterator, Sequence
from datetime import datetime
from pathlib import Path

import numpy as np
import pytest
import soundfile
from django.db import connection

from earmark_files.metadata import read_tags
from tests.celery_harness import Site, site
from tests.chaos.fleet import FAR
from tests.servers import private_redis
from tests.tag_harness import descendants, kill, noise, sine, wait_for, wait_for_end

# A minute of processes: once is enough, on the database that sites with a broker use.
pytestmark = [
    pytest.mark.django_db,
    pytest.mark.timeout(600),
    pytest.mark.skipif(
        connection.vendor != "postgresql", reason="tried on PostgreSQL: make test-postgres"
    ),
    pytest.mark.skipif(os.geteuid() != 0, reason="another host name needs root"),
]

EVERYTHING = ("scan", "classify.cpu", "write")
GRACE_S = 30
IMPATIENT = """
import sys
if "celery" in sys.orig_argv:
    import earmark.settings.queues as queues
    queues.VISIBILITY_S = queues.RESTORE_EVERY_S = 1
"""
NEAR: Sequence[str] = ("env",)
LAST = "state = 'succeeded' AND run_id = (SELECT max(id) FROM jobs_run)"


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    folder = tmp_path_factory.mktemp("celery")
    (folder / "redis").mkdir()
    with private_redis(folder / "redis") as broker, site(folder, broker) as made:
        (made.plugins / "sitecustomize.py").write_text(IMPATIENT)
        made.extra |= {
            "BANDS_SECONDS_PER_WINDOW": "0.3",
            "EARMARK_JOB_LEASE_SECONDS": "4",
            "OMP_NUM_THREADS": "1",
        }
        made.start_clock()
        yield made


@pytest.fixture
def here(shared: Site) -> Site:
    """Two workers, one of them under another host name."""
    for prefix in (NEAR, FAR):
        if not any(is_worker(one, prefix) for one in shared.processes):
            shared.start_worker(*EVERYTHING, prefix=prefix)
    return shared


@pytest.fixture
def sounds(tmp_path: Path) -> Path:
    folder = tmp_path / "sounds"
    folder.mkdir()
    return folder


def is_worker(process: subprocess.Popen[bytes], prefix: Sequence[str]) -> bool:
    """Whether a process is a living worker that was started so."""
    words = list(process.args)  # type: ignore[arg-type]
    return words[: len(prefix)] == [*prefix] and "worker" in words and process.returncode is None


def find_holder(here: Site) -> subprocess.Popen[bytes]:
    """Wait for the worker that has jobs in hand."""
    wait_for(lambda: here.states().get("running", 0) > 0)
    ((name,),) = here.rows("SELECT DISTINCT worker FROM jobs_job WHERE state = 'running'")
    (found,) = [one for one in here.processes if f"/{one.pid}/" in name]
    return found


def assert_done_once(here: Site, files: int) -> None:
    """Each file has a result and was written, once."""
    succeeded = here.rows(f"SELECT count(DISTINCT file_id) FROM jobs_job WHERE {LAST}")
    written = here.rows(
        "SELECT count(*), count(DISTINCT file_id) FROM writeback_tagwrite WHERE file_id IN"
        f" (SELECT file_id FROM jobs_job WHERE {LAST})"
    )
    assert (succeeded, written) == ([(files,)], [(files, files)])


def fates(here: Site) -> dict[str, list[str]]:
    """What became of each message for classifying, by all workers, in the order of time."""
    line = re.compile(r"(\S+Z) .*Task earmark\.classify\[(\S+)\] (received|succeeded)")
    found: dict[str, list[str]] = {}
    for _, message, fate in sorted(line.findall(here.said())):
        found.setdefault(message, []).append(fate)
    return found


def test_two_runs_reach_the_files_once_whatever_comes_again_and_bad_ones_cost_nothing(
    here: Site, sounds: Path
):
    for number in range(3):
        sine(sounds / f"tone {number}.wav", frequency=440.0 + 100 * number)
        noise(sounds / f"noise {number}.wav", seed=number)
    (sounds / "broken.wav").write_bytes(b"not audio at all")
    soundfile.write(sounds / "killer.wav", np.full(24000, 0.9), 16000)  # see tests.bands_classifier
    before = here.count_windows()

    here.submit(sounds, runs=2)
    wait_for(here.is_done, 240)

    # A slice took longer than Redis waits: another worker got its message while it was at it.
    assert ["received"] * 2 in [fate[:2] for fate in fates(here).values()]
    codes = here.rows("SELECT reason_code FROM jobs_job WHERE state = 'failed' ORDER BY 1")
    assert codes == [("not_audio",)] * 2 + [("worker_died",)] * 2
    assert here.count_windows() - before == 2 * 6, "the second run has nothing to hear"
    assert_done_once(here, 6)
    for number in range(3):
        assert "Sine wave" in read_tags(sounds / f"tone {number}.wav").keywords


def test_what_the_dead_of_another_machine_hold_is_taken_when_its_lease_ends_and_not_before(
    here: Site, sounds: Path
):
    for number in range(4):
        sine(sounds / f"{number}.wav", frequency=900.0 + 50 * number)
    here.submit(sounds)

    worker = find_holder(here)
    for pid in (worker.pid, *descendants(worker.pid)):
        kill(pid)
    worker.wait()
    ((held_until,),) = here.rows("SELECT max(lease_until) FROM jobs_job")
    wait_for(here.is_done, 120)

    taken = here.rows(
        f"SELECT attempts, lost_leases, min(started_at) FROM jobs_job WHERE {LAST} GROUP BY 1, 2"
    )
    assert [tries for *tries, _ in taken] == [[2, 1]]
    assert all(isinstance(begun, datetime) and begun >= held_until for *_, begun in taken)
    assert_done_once(here, 4)


def test_a_worker_that_is_asked_to_end_gives_back_what_it_holds(here: Site, sounds: Path):
    for number in range(8):
        sine(sounds / f"{number}.wav", frequency=200.0 + 10 * number, seconds=2)
    here.submit(sounds)
    worker = find_holder(here)
    children = descendants(worker.pid)
    begun = time.monotonic()

    worker.send_signal(signal.SIGTERM)
    assert worker.wait(60) == 0

    assert time.monotonic() - begun < GRACE_S
    for table in ("SELECT worker FROM jobs_job", "SELECT name FROM jobs_worker"):
        assert not [name for (name,) in here.rows(table) if f"/{worker.pid}/" in name]
    wait_for_end(children)
    wait_for(here.is_done, 120)
    assert_done_once(here, 8)
    assert here.rows(f"SELECT max(lost_leases), max(attempts) FROM jobs_job WHERE {LAST}") == [
        (0, 2)
    ]
