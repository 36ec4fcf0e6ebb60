"""Drives a chaos run: files, servers, workers, faults, and the checks at the end.

    python -m tests.chaos [--files 2000] [--poison 50] [--faults 60] [--seed N]

Real Redis, PostgreSQL, Celery workers, files on a volume of their own; needs root for that volume
and libfaketime for clocks. The plan of faults follows from the seed. When something is wrong at
the end, the files, the logs and the database are kept.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import random
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from tests.celery_harness import Site, site
from tests.chaos.checks import (
    check_counts,
    check_equal,
    check_files,
    check_jobs,
    check_leftovers,
    check_tags,
)
from tests.chaos.faults import Fault, World, inflict, keep_messages, make_plan
from tests.chaos.fleet import Fleet, Member
from tests.chaos.sounds import Sounds, make_sounds
from tests.chaos.volume import mounted
from tests.servers import private_redis
from tests.tag_harness import Installation
from tests.with_postgres import private_server

_STALLED_S = 20.0
"""The next fault comes after so long without the progress it waits for."""

_SURVIVES_KILLS = "-c fsync=off"
"""What the database has said is committed survives its own end, if not that of the machine."""

_POLL_S = 0.3

_SMALL = 100
"""Up to so many files there are as few workers and runs as show everything."""


@dataclass(frozen=True)
class Options:
    """What is asked for on the command line."""

    files: int
    poison: int
    faults: int
    seed: int
    pace: float
    hold: float
    timeout: float


def main() -> int:
    """Run, tell what was wrong, and return the exit status."""
    options = _options()
    plan = make_plan(seed=options.seed, count=options.faults)
    _say(f"{options.files} files, {options.poison} poisonous ones, --seed {options.seed}")
    for fault in plan:
        _say(f"  planned at {fault.share:4.0%}: {fault.kind}")
    folder = Path(tempfile.mkdtemp(prefix="earmark-chaos-"))
    folder.chmod(0o755)
    problems = run(options, plan, folder)
    for problem in problems[:50]:
        _say(f"WRONG: {problem}")
    if problems:
        _say(f"{len(problems)} things are wrong; what is needed to see why is in {folder}")
        return 1
    shutil.rmtree(folder)
    _say("Everything is as it should be.")
    return 0


def run(options: Options, plan: Sequence[Fault], folder: Path) -> list[str]:
    """Let a run go through its faults; return what is wrong at the end."""
    made = folder / "made"
    sounds = make_sounds(made, files=options.files, poison=options.poison, seed=options.seed)
    size = sum(path.stat().st_size for path in made.rglob("*") if path.is_file())
    (folder / "redis").mkdir()
    with contextlib.ExitStack() as stack:
        database = stack.enter_context(private_server(_SURVIVES_KILLS))
        os.environ["EARMARK_TEST_DATABASE"] = "postgres"
        os.environ["EARMARK_TEST_DATABASE_URL"] = database.url
        broker = stack.enter_context(private_redis(folder / "redis"))
        volume = stack.enter_context(mounted(folder / "volume", size))
        here = stack.enter_context(site(folder, broker))
        shutil.copytree(made, volume.root, dirs_exist_ok=True)
        sounds = Sounds(volume.root, sounds.good, sounds.poison)
        here.extra |= _settings(options)
        fleet = Fleet(here, _members(options), folder / "clock")
        world = World(fleet, broker, database, volume, options.hold, keep_messages(broker))
        problems = []
        try:
            fleet.start_missing()
            # Two over the same files must do the work once.
            here.submit(volume.root, runs=1 if options.files <= _SMALL else 2)
            _live_through(plan, world, options)
            _finish(here, volume.root, options)
            fleet.stop()
            problems += _check(here, sounds, folder, options)
        except (AssertionError, TimeoutError) as error:
            problems.append(f"the run did not come to its end: {error}")
        if problems:
            _keep(here, folder)
    return problems


def _live_through(plan: Sequence[Fault], world: World, options: Options) -> None:
    here, begun = world.fleet.site, time.monotonic()
    since = begun
    for fault in plan:
        while _share(here) < fault.share and time.monotonic() - since < _STALLED_S:
            here.is_done()  # fails if a worker has ended by itself
            time.sleep(_POLL_S)
        share = _share(here)
        word = inflict(fault, world)
        since = time.monotonic()
        _say(f"  {since - begun:6.1f} s, {share:4.0%} done: {fault.kind} {word}")
        if since - begun > options.timeout:
            raise TimeoutError(f"only {share:.0%} is done: {here.states()}")
    world.fleet.set_clock(0)
    world.fleet.start_missing()


def _finish(here: Site, root: Path, options: Options) -> None:
    """Wait for the end, and do once more what a person would after such a day."""
    begun = time.monotonic()
    _wait(here, options.timeout)
    failed = here.rows(
        "SELECT reason_code, count(*) FROM jobs_job WHERE state = 'failed' GROUP BY 1 ORDER BY 1"
    )
    lost = here.rows("SELECT lost_leases, count(*) FROM jobs_job GROUP BY 1 ORDER BY 1")
    writes = here.rows(
        "SELECT state, error_code, count(*) FROM writeback_tagwrite GROUP BY 1, 2 ORDER BY 1, 2"
    )
    _say(f"Faults are over. {time.monotonic() - begun:.0f} s later all is done.")
    _say(f"  failed {failed}, lost leases {lost}, writes {writes}")
    if _all_written(here):
        return
    here.submit(root)
    _wait(here, options.timeout)
    ended = here.rows("SELECT state, count(*) FROM writeback_tagwrite GROUP BY 1 ORDER BY 1")
    _say(f"  after one more run: writes {ended}")


def _check(here: Site, sounds: Sounds, folder: Path, options: Options) -> list[str]:
    quiet, copy = _run_quietly(here, folder, options)
    runs = [number for (number,) in here.rows("SELECT id FROM jobs_run ORDER BY id")]
    return [
        *check_jobs(here, sounds, runs[0]),
        *check_counts(here, runs[0]),
        *check_tags(here),
        *check_files(here, sounds),
        *check_leftovers(sounds),
        *check_equal(here, quiet, sounds, copy),
    ]


def _run_quietly(here: Site, folder: Path, options: Options) -> tuple[Installation, Path]:
    """Tag the same files in one process tree, without servers and without faults."""
    quiet = Installation(folder / "quiet-data", here.plugins, _settings(options))
    quiet.extra["BANDS_SECONDS_PER_WINDOW"] = "0"
    begun = time.monotonic()
    done = quiet.run(
        *("tag", "--json", "--workers", "2", "--classifier", "bands", folder / "made"),
        timeout=options.timeout,
    )
    assert done.status == 1 if options.poison else done.status == 0, done.err
    _say(f"The quiet run took {time.monotonic() - begun:.0f} s.")
    return quiet, folder / "made"


def _share(here: Site) -> float:
    states = here.states()
    ended = sum(states.get(state, 0) for state in ("succeeded", "failed"))
    return ended / max(1, sum(states.values()))


def _all_written(here: Site) -> bool:
    """Whether no write was given up, after three tries."""
    return here.rows(
        "SELECT count(*) FROM tagging_tagset t WHERE NOT EXISTS (SELECT 1 FROM writeback_tagwrite w"
        " WHERE w.file_id = t.file_id AND w.state = 'written')"
    ) == [(0,)]


def _wait(here: Site, seconds: float) -> None:
    deadline = time.monotonic() + seconds
    while not here.is_done():
        if time.monotonic() > deadline:
            raise TimeoutError(f"not done: {here.states()}")
        time.sleep(_POLL_S)


def _settings(options: Options) -> dict[str, str]:
    return {
        "BANDS_SECONDS_PER_WINDOW": str(options.pace),
        "EARMARK_BATCH_TIMEOUT_SECONDS": "5",
        "EARMARK_CLASSIFIER": "bands",
        "EARMARK_DECODE_TIMEOUT_SECONDS": "3",
        "EARMARK_JOB_LEASE_SECONDS": "3",
        "EARMARK_JOB_RETRY_SECONDS": "1",
        "EARMARK_SLICE_SECONDS": "5",
        "OMP_NUM_THREADS": "1",
    }


def _members(options: Options) -> list[Member]:
    few = [
        Member((), jumps=True),
        Member(("scan", "write")),
        Member(("classify.cpu", "write"), far=True, jumps=True),
    ]
    if options.files <= _SMALL:
        return few
    return [*few, Member(("classify.cpu",)), Member(("scan", "write"), far=True)]


def _keep(here: Site, folder: Path) -> None:
    shutil.copytree(folder / "volume", folder / "volume-kept", dirs_exist_ok=True)
    with (folder / "database.sql").open("wb") as dump:
        url = here.extra["EARMARK_DATABASE_URL"]
        subprocess.run(["pg_dump", url], stdout=dump, check=False)


def _options() -> Options:
    parser = argparse.ArgumentParser(prog="python -m tests.chaos", description=__doc__)
    parser.add_argument("--files", type=int, default=2000)
    parser.add_argument("--poison", type=int, default=50)
    parser.add_argument("--faults", type=int, default=60)
    parser.add_argument("--seed", type=int, default=random.SystemRandom().randrange(10_000))
    parser.add_argument("--pace", type=float, default=0.05, help="seconds for each window")
    parser.add_argument("--hold", type=float, default=3.0, help="how long a fault lasts, seconds")
    parser.add_argument("--timeout", type=float, default=1800.0, help="seconds")
    return Options(**vars(parser.parse_args()))


def _say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()
