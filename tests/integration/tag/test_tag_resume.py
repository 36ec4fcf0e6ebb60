"""Killed at any moment and started again, it goes on where it was."""

from __future__ import annotations

import random
import shutil
import signal
import socket
import time
from pathlib import Path

import pytest

from tests.tag_harness import Installation, descendants, kill, noise, sine, wait_for, wait_for_end

FILES = 24


@pytest.fixture
def slow(installation: Installation) -> Installation:
    installation.extra["BANDS_SECONDS_PER_WINDOW"] = "0.03"
    return installation


def make_library(folder: Path) -> Path:
    folder.mkdir(exist_ok=True)
    for number in range(FILES):
        if number % 2:
            noise(folder / f"{number:02}.wav", seconds=1.0 + number % 3, seed=number)
        else:
            sine(folder / f"{number:02}.aiff", seconds=2.0, frequency=200.0 + 10 * number)
    return folder


def contents(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def tag_arguments(library: Path, workers: int = 1) -> list[str | Path]:
    return ["tag", "--json", "--workers", str(workers), "--classifier", "bands", library]


def assert_everything_done_once(installation: Installation) -> None:
    written = installation.rows(
        "select file_id, count(*) from writeback_tagwrite where state = 'written' group by file_id"
    )
    assert len(written) == FILES
    assert {count for _, count in written} == {1}
    assert installation.rows("select count(*) from jobs_predictionset") == [(FILES,)]
    assert installation.rows(
        "select count(*) from jobs_job where state in ('queued', 'running', 'failed')"
    ) == [(0,)]
    assert installation.rows("select count(*) from writeback_tagwrite where state = 'planned'") == [
        (0,)
    ]


def start_and_kill(installation: Installation, library: Path, moments: random.Random) -> None:
    """Kill the parent at some moment; its children have to end by themselves."""
    before = installation.count_windows()
    process = installation.start(*tag_arguments(library), stdout=-3, stderr=-3)
    if moments.random() < 0.7:
        wait_for(lambda: installation.count_windows() > before or process.poll() is not None)
    time.sleep(moments.uniform(0.0, 0.8))
    family = [process.pid, *descendants(process.pid)]
    kill(process.pid)
    process.wait()
    wait_for_end(family)


def test_killed_again_and_again_it_ends_in_the_very_same_files(
    slow: Installation, prepared_installation: Installation, tmp_path: Path
) -> None:
    library = make_library(tmp_path / "killed")
    shutil.copytree(library, tmp_path / "undisturbed")
    moments = random.Random(20)
    for _ in range(4):
        start_and_kill(slow, library, moments)

    slow.extra.clear()
    begun = time.monotonic()
    last = slow.run(*tag_arguments(library))
    assert last.status == 0, last.err
    assert {row["status"] for row in last.records.values()} == {"tagged"}
    assert time.monotonic() - begun < 60, "leases of dead processes are not waited for"
    assert_everything_done_once(slow)

    other = Installation(tmp_path / "other data", prepared_installation.plugins)
    shutil.copytree(prepared_installation.data, other.data)
    assert other.run(*tag_arguments(tmp_path / "undisturbed")).status == 0
    assert contents(library) == contents(tmp_path / "undisturbed")


def start_and_kill_elsewhere(slow: Installation, library: Path, here: str, there: str) -> None:
    """Kill a run in the midst of its work, and let its name say it was somewhere else."""
    process = slow.start(*tag_arguments(library), stdout=-3, stderr=-3)
    wait_for(lambda: slow.count_windows() > 2)
    family = [process.pid, *descendants(process.pid)]
    kill(process.pid)
    process.wait()
    wait_for_end(family)
    held = slow.rows("select distinct worker from jobs_job where state = 'running'")
    assert len(held) == 1
    assert here in held[0][0]
    slow.rows(f"update jobs_job set worker = replace(worker, '{here}', '{there}')")
    slow.rows(f"update jobs_run set options = replace(options, '{here}', '{there}')")
    slow.extra.pop("BANDS_SECONDS_PER_WINDOW")


def states_of_runs(installation: Installation) -> list[str]:
    return [state for (state,) in installation.rows("select state from jobs_run order by id")]


def test_after_a_power_cut_it_goes_on_at_once(slow: Installation, tmp_path: Path) -> None:
    library = make_library(tmp_path / "library")
    boot = Path("/proc/sys/kernel/random/boot_id").read_text()[:8]
    start_and_kill_elsewhere(slow, library, f"/{boot}-", "/earlier-")
    begun = time.monotonic()
    done = slow.run(*tag_arguments(library))
    assert done.status == 0, done.err
    assert time.monotonic() - begun < 60, "leases from before the restart are not waited for"
    assert_everything_done_once(slow)
    assert states_of_runs(slow) == ["cancelled", "finished"]


def test_a_run_of_another_host_is_waited_for_until_its_leases_end(
    slow: Installation, tmp_path: Path
) -> None:
    library = make_library(tmp_path / "library")
    slow.extra["EARMARK_JOB_LEASE_SECONDS"] = "6"
    start_and_kill_elsewhere(slow, library, f"{socket.gethostname()}/", "elsewhere/")
    done = slow.run(*tag_arguments(library), timeout=60)
    assert done.status == 0, done.err
    assert {row["status"] for row in done.records.values()} == {"tagged"}
    assert_everything_done_once(slow)


def test_a_run_of_another_host_without_a_sign_of_life_is_given_up(
    slow: Installation, tmp_path: Path
) -> None:
    library = make_library(tmp_path / "library")
    start_and_kill_elsewhere(slow, library, f"{socket.gethostname()}/", "elsewhere/")
    long_ago = "'2000-01-01 00:00:00'"
    slow.rows(f"update jobs_job set lease_until = {long_ago} where lease_until is not null")
    slow.rows(f"update jobs_job set finished_at = {long_ago} where finished_at is not null")
    slow.rows(f"update jobs_job set started_at = {long_ago} where started_at is not null")
    done = slow.run(*tag_arguments(library), timeout=60)
    assert done.status == 0, done.err
    assert_everything_done_once(slow)
    assert states_of_runs(slow) == ["cancelled", "finished"]


def test_a_killed_worker_costs_nothing_but_time(slow: Installation, tmp_path: Path) -> None:
    library = make_library(tmp_path / "library")
    process = slow.start(*tag_arguments(library, workers=2), stdout=-3, stderr=-3)
    wait_for(lambda: slow.count_windows() > 0)
    workers = [
        pid
        for pid in descendants(process.pid)
        if b"earmark_workers.engine.child" in Path(f"/proc/{pid}/cmdline").read_bytes()
    ]
    kill(workers[0])
    assert process.wait(60) == 0
    assert_everything_done_once(slow)


@pytest.mark.parametrize(
    ("number", "status"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)], ids=["ctrl-c", "term"]
)
def test_a_polite_stop_keeps_what_is_finished_and_says_how_to_go_on(
    slow: Installation, tmp_path: Path, number: signal.Signals, status: int
) -> None:
    library = make_library(tmp_path / "library")
    slow.extra["BANDS_SECONDS_PER_WINDOW"] = "0.1"
    process = slow.start(*tag_arguments(library), stdout=-3, stderr=-1)
    wait_for(lambda: slow.rows("select 1 from jobs_predictionset limit 1") != [])
    family = descendants(process.pid)
    process.send_signal(number)
    _, err = process.communicate(timeout=20)
    assert process.returncode == status
    assert b"goes on from here" in err
    assert b"Traceback" not in err
    wait_for_end(family)
    finished = slow.rows("select count(*) from jobs_predictionset")[0][0]
    assert 0 < finished < FILES
    assert slow.rows("select count(*) from jobs_job where state = 'running'") == [(0,)]

    slow.log.unlink()
    slow.extra.clear()
    assert slow.run(*tag_arguments(library)).status == 0
    assert_everything_done_once(slow)


def interrupt_after_replace(installation: Installation) -> None:
    """Put the database back to the moment between the write and its record."""
    installation.rows(
        "update library_audiofile set size = size - 1, mtime_ns = mtime_ns - 1000000000"
    )
    installation.rows(
        "update writeback_tagwrite set state = 'planned', finished_at = null, "
        "file_size = null, file_mtime_ns = null"
    )


def test_a_write_that_was_done_but_not_recorded_is_recorded_and_not_done_again(
    installation: Installation, library: Path
) -> None:
    sine(library / "a.wav")
    sine(library / "b.caf", frequency=300.0)
    installation.tag(library)
    installation.log.unlink()
    before = {path: (path.read_bytes(), path.stat()) for path in library.iterdir()}
    interrupt_after_replace(installation)

    done = installation.tag(library)
    assert done.status == 0
    for path, (content, stat) in before.items():
        assert path.read_bytes() == content
        assert (path.stat().st_ino, path.stat().st_mtime_ns) == (stat.st_ino, stat.st_mtime_ns)
    assert installation.rows("select state, undo is not null from writeback_tagwrite") == [
        ("written", 1),
        ("written", 1),
    ]
    assert not installation.log.exists()


def test_a_write_that_was_planned_but_not_done_is_done(
    installation: Installation, library: Path
) -> None:
    path = sine(library / "a.wav")
    original = path.read_bytes()
    installation.tag(library)
    tagged = path.read_bytes()
    path.write_bytes(original)
    interrupt_after_replace(installation)

    assert installation.tag(library).status == 0
    assert path.read_bytes() == tagged
    states = installation.rows("select state, error_code from writeback_tagwrite order by id")
    assert states == [("failed", "interrupted"), ("written", "")]
