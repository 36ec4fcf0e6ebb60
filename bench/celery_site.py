"""An Earmark with Celery workers to measure: private Redis and PostgreSQL, any classifier."""

from __future__ import annotations

import os
import shutil
import sys
import tempfile
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil
import psycopg

REPOSITORY = Path(__file__).resolve().parents[1]
sys.path.append(str(REPOSITORY))

from tests.celery_harness import Site, site  # noqa: E402
from tests.servers import private_redis  # noqa: E402

SUBMIT = """
import json, sys, time
from pathlib import Path
from earmark.classifiers.services import require_classifier
from earmark.jobs.models import Run
from earmark.jobs.services import submit_run
from earmark.library.services import register_library, scan_library
library = register_library(root=Path({root!r}), trusted=True)
begun = time.perf_counter()
scan = scan_library(library=library)
scanned = time.perf_counter()
run = submit_run(library=library, classifiers=[require_classifier(name={classifier!r})],
                 options={{"write": {write}, Run.FOLLOW_UP: True}})
print(json.dumps([scanned - begun, time.perf_counter() - scanned]))
"""

_LEFT = """
SELECT EXISTS (SELECT 1 FROM jobs_run WHERE state <> 'finished' OR options ? 'follow_up')
    OR EXISTS (SELECT 1 FROM writeback_writerequest)
"""


def require_postgres() -> None:
    """Start once more under a private PostgreSQL, if there is none yet."""
    if os.environ.get("EARMARK_TEST_DATABASE") != "postgres":
        wrapper = str(REPOSITORY / "tests" / "with_postgres.py")
        os.execv(sys.executable, [sys.executable, wrapper, sys.executable, *sys.argv])


@contextmanager
def private_database() -> Iterator[str]:
    """Make an empty database on the test server, and drop it afterwards; yields its address."""
    server = os.environ["EARMARK_TEST_DATABASE_URL"]
    name = f"bench_{uuid.uuid4().hex[:12]}"
    with psycopg.connect(server, autocommit=True) as admin:
        admin.execute(f"CREATE DATABASE {name}")
        try:
            yield server.rpartition("/")[0] + f"/{name}"
        finally:
            admin.execute(f"DROP DATABASE {name} WITH (FORCE)")


@contextmanager
def measured_site(**settings: str) -> Iterator[Site]:
    """Make an installation, and remove it afterwards."""
    with tempfile.TemporaryDirectory(prefix="earmark-bench-") as folder:
        place = Path(folder)
        (place / "redis").mkdir()
        with private_redis(place / "redis") as broker, site(place, broker) as made:
            del made.extra["EARMARK_TICK_SECONDS"]  # as often as where nobody has changed it
            made.extra |= settings
            yield made


def install(plugins: Path, module: Path, name: str, target: str) -> None:
    """Lay out an installed distribution with one classifier."""
    info = plugins / f"{name}-1.0.0.dist-info"
    info.mkdir(parents=True)
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0.0\n")
    (info / "entry_points.txt").write_text(f"[earmark.classifiers]\n{name} = {target}\n")
    shutil.copy(module, plugins)


def submit(made: Site, root: Path, classifier: str, *, write: bool = True) -> tuple[float, float]:
    """Scan a folder and submit a run; return the seconds of both."""
    import json

    code = SUBMIT.format(root=str(root), classifier=classifier, write=write)
    done = made.run("shell", "-v0", "-c", code, timeout=36_000)
    if done.status:
        raise SystemExit(done.err)
    scanned, submitted = json.loads(done.out)
    return scanned, submitted


def wait_until_done(made: Site, *, most: float = 36_000) -> float:
    """Wait for the last tag of all runs; return the seconds it took."""
    begun = time.perf_counter()
    # One connection for all questions: a new one for each takes time from what is measured.
    with psycopg.connect(made.extra["EARMARK_DATABASE_URL"], autocommit=True) as database:
        while True:
            (left,) = database.execute(_LEFT).fetchone() or (None,)
            took = time.perf_counter() - begun
            if not left and made.is_done():  # which fails if a worker has ended
                return took
            if took > most:
                raise SystemExit(f"not done in time: {made.states()}\n{made.said()[-4000:]}")
            time.sleep(0.1)


def wait_for_workers(made: Site, number: int) -> None:
    """Wait until so many workers have said that they are there."""
    while made.rows("SELECT count(*) FROM jobs_worker")[0][0] < number:
        made.is_done()  # fails if one has ended
        time.sleep(0.2)


def memory_of(pid: int) -> float:
    """Return the proportional memory of a process and all below it, in MiB."""
    root = psutil.Process(pid)
    total = 0
    for process in (root, *root.children(recursive=True)):
        try:
            total += process.memory_full_info().pss
        except psutil.NoSuchProcess:
            continue
    return total / 2**20
