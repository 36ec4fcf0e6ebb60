"""Runs real Celery workers and the clock on an installation, over a real Redis."""

from __future__ import annotations

import contextlib
import os
import signal
import sqlite3
import subprocess
import sys
import uuid
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

import psycopg

from earmark.settings import env
from tests.once import one_at_a_time, run_folder
from tests.servers import Redis
from tests.tag_harness import Installation, descendants, install_plugin, kill

SUBMIT = """
from pathlib import Path
from earmark.classifiers.services import require_classifier
from earmark.jobs.models import Run
from earmark.jobs.services import submit_run
from earmark.library.models import Library
from earmark.library.services import register_library, scan_library
library = Library.objects.filter(root={root!r}).first()
library = library or register_library(root=Path({root!r}), trusted=True)
scan_library(library=library)
for _ in range({runs}):
    submit_run(library=library, classifiers=[require_classifier(name="bands")],
               options={{"write": True, Run.FOLLOW_UP: True}})
"""


@dataclass
class Site(Installation):
    """An installation with Celery workers."""

    processes: list[subprocess.Popen[bytes]] = field(default_factory=list)

    def submit(self, root: Path, *, runs: int = 1) -> None:
        """Register and scan a folder, and submit a run over it, or several."""
        done = self.run("shell", "-v0", "-c", SUBMIT.format(root=str(root), runs=runs))
        assert done.status == 0, done.err

    def start_worker(
        self, *queues: str, prefix: Sequence[str] = (), **extra: str
    ) -> subprocess.Popen[bytes]:
        """Start a worker of queues; `prefix` is a program that starts it, and becomes it."""
        name = f"w{len(self.processes)}@%h"
        return self._start([*prefix], ["worker", "-Q", ",".join(queues), "-n", name], extra)

    def start_clock(self, *, prefix: Sequence[str] = (), **extra: str) -> subprocess.Popen[bytes]:
        """Start Celery's beat."""
        return self._start([*prefix], ["beat"], extra)

    def said(self) -> str:
        """What all these processes have written."""
        return "\n".join(path.read_text() for path in sorted(self.data.glob("celery-*.log")))

    def _start(
        self, prefix: list[str], arguments: list[str], extra: dict[str, str]
    ) -> subprocess.Popen[bytes]:
        log = (self.data / f"celery-{len(self.processes)}.log").open("wb")
        celery = [*prefix, sys.executable, "-m", "celery", "-A", "earmark"]
        with log:
            process = subprocess.Popen(
                [*celery, *arguments, "-l", "INFO"],
                env=self.environment
                | {"DJANGO_SETTINGS_MODULE": "earmark.settings.single"}
                | extra,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        self.processes.append(process)
        return process

    def rows(self, query: str) -> list[tuple[Any, ...]]:
        """Ask the installation's database, whichever it is."""
        url = self.extra.get("EARMARK_DATABASE_URL")
        if url is None:
            with contextlib.closing(sqlite3.connect(self.data / "earmark.sqlite3")) as database:
                return database.execute(query).fetchall()
        with psycopg.connect(url) as server:
            return server.execute(query).fetchall()

    def states(self) -> dict[str, int]:
        """Numbers of jobs by state."""
        return dict(self.rows("SELECT state, count(*) FROM jobs_job GROUP BY state"))

    def is_done(self) -> bool:
        """Whether every run is finished to the last write."""
        if any(process.poll() is not None for process in self.processes if not _ended(process)):
            raise AssertionError(self.said()[-4000:])
        options = self.rows("SELECT state, options FROM jobs_run")
        return all(
            state == "finished" and "follow_up" not in str(said) for state, said in options
        ) and self.rows("SELECT count(*) FROM writeback_writerequest") == [(0,)]

    def end(self) -> None:
        """Leave no process behind."""
        for process in self.processes:
            for pid in (*descendants(process.pid), process.pid):
                kill(pid)
            process.wait()


def _ended(process: subprocess.Popen[bytes]) -> bool:
    """Whether a test has ended a process on purpose."""
    return process.returncode in (0, -signal.SIGKILL)


@contextlib.contextmanager
def site(folder: Path, broker: Redis) -> Iterator[Site]:
    """Make an installation with the test classifier, on the database of the test run."""
    made = Site(folder / "data", install_plugin(folder / "plugins"))
    made.data.mkdir()
    made.extra |= {
        "EARMARK_BROKER_URL": broker.url,
        "EARMARK_CLASSIFIER": "bands",
        "EARMARK_TICK_SECONDS": "1",
        "EARMARK_WORKER_PROCESSES": "1",
    }
    with database_of(made), contextlib.ExitStack() as stack:
        stack.callback(made.end)
        yield made


@contextlib.contextmanager
def database_of(made: Site) -> Iterator[None]:
    """Give it an empty database: on PostgreSQL where the test run is; else SQLite."""
    server = server_of_run()
    if server is None:
        made.with_database()
        yield
        return
    name = f"site_{uuid.uuid4().hex[:12]}"
    _administer(server, f"CREATE DATABASE {name} TEMPLATE {empty_database(server)}")
    made.extra["EARMARK_DATABASE_URL"] = _address(server, name)
    try:
        yield
    finally:
        _administer(server, f"DROP DATABASE {name} WITH (FORCE)")


def server_of_run() -> str | None:
    """Return the address of the PostgreSQL that tests run on; None where they run on SQLite."""
    on_postgres = os.environ.get("EARMARK_TEST_DATABASE") == "postgres"
    return os.environ.get("EARMARK_TEST_DATABASE_URL") if on_postgres else None


@cache
def empty_database(server: str) -> str:
    """Return the name of an empty database on a server: to be copied, not changed."""
    name = _name_of_empty()
    with one_at_a_time() as folder, psycopg.connect(server, autocommit=True) as admin:
        if admin.execute("SELECT 1 FROM pg_database WHERE datname = %s", [name]).fetchone():
            return name
        making = f"{name}_making"
        admin.execute(f"DROP DATABASE IF EXISTS {making} WITH (FORCE)".encode())
        admin.execute(f"CREATE DATABASE {making}".encode())
        extra = {"EARMARK_DATABASE_URL": _address(server, making)}
        done = Installation(folder / "unused", folder / "unused", extra).run("migrate", "-v0")
        assert done.status == 0, done.err
        admin.execute(f"ALTER DATABASE {making} RENAME TO {name}".encode())
    return name


def drop_empty_database() -> None:
    """Remove it from the server of the test run, if it was made there."""
    server = server_of_run()
    if server is not None:
        _administer(server, f"DROP DATABASE IF EXISTS {_name_of_empty()} WITH (FORCE)")


def _name_of_empty() -> str:
    return run_folder().name.replace("-", "_")


def _address(server: str, name: str) -> str:
    base = env.parse_database_url(server)
    user = f"{base['USER']}@" if base["USER"] else ""
    place = f"{base['HOST']}:{base['PORT']}" if base["PORT"] else str(base["HOST"])
    return f"postgresql://{user}{place}/{name}"


def _administer(server: str, statement: str) -> None:
    with psycopg.connect(server, autocommit=True) as admin:
        admin.execute(statement)
