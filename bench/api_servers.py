"""The database and the web process that the benchmark of the API asks: started, and ended again."""

from __future__ import annotations

import contextlib
import os
import pwd
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from http.client import HTTPConnection
from pathlib import Path

from tests.servers import free_port

REPOSITORY = Path(__file__).resolve().parents[1]
PROCESSES = 2


@contextlib.contextmanager
def run_database(folder: Path, *, sqlite: bool) -> Iterator[str]:
    """Yield the address of the database in a folder; PostgreSQL runs as long as this."""
    if sqlite:
        yield f"sqlite://{folder.resolve()}/api.sqlite3"
        return
    programs = _programs()
    data, port = folder.resolve() / "postgres", free_port()
    prefix: list[str] = []
    if os.geteuid() == 0:
        pwd.getpwnam("postgres")
        prefix = ["runuser", "-u", "postgres", "--"]
    if not data.exists():
        data.mkdir()
        if prefix:
            shutil.chown(data, user="postgres")
        _run(
            [
                *(*prefix, str(programs / "initdb"), "-D", str(data), "-U", "earmark"),
                *("-A", "trust", "--encoding=UTF8", "--locale=C"),
            ]
        )
    control = [*prefix, str(programs / "pg_ctl"), "-D", str(data), "-s", "-w"]
    settings = (
        f"-p {port} -k {data} -c listen_addresses=127.0.0.1 -c shared_buffers=1GB "
        "-c max_wal_size=8GB -c synchronous_commit=off"
    )
    _run([*control, "-l", str(data / "log"), "-o", settings, "start"])
    try:
        yield f"postgresql://earmark@127.0.0.1:{port}/postgres"
    finally:
        _run([*control, "-m", "fast", "stop"])


def _programs() -> Path:
    on_path = shutil.which("initdb")
    found = [Path(on_path).resolve()] if on_path else []
    found += sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"))
    if not found:
        raise SystemExit("Install PostgreSQL (apt-get install postgresql).")
    return found[-1].parent


def _run(command: list[str]) -> None:
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL, cwd="/")


@contextlib.contextmanager
def run_web(folder: Path) -> Iterator[int]:
    """Start the web process and wait until it answers."""
    port = free_port()
    arguments = ["--port", str(port), "--workers", str(PROCESSES), "--log-level", "warning"]
    with (folder / "web.log").open("w") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "uvicorn", "earmark.asgi:application", *arguments],
            env=os.environ | {"PYTHONPATH": str(REPOSITORY / "platform")},
            stdout=log,
            stderr=log,
        )
        try:
            deadline = time.monotonic() + 60
            while True:
                with contextlib.suppress(OSError):
                    if _answers(port):
                        break
                if time.monotonic() > deadline or process.poll() is not None:
                    raise SystemExit(f"The web process does not start: {folder / 'web.log'}")
                time.sleep(0.2)
            yield port
        finally:
            process.terminate()
            process.wait(30)


def _answers(port: int) -> bool:
    connection = HTTPConnection("127.0.0.1", port, timeout=10)
    connection.request("GET", "/healthz")
    return connection.getresponse().status == 200
