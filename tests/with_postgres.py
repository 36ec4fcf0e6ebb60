"""Run a command with a PostgreSQL server for tests: ``with_postgres.py COMMAND...``.

The server's address is in ``EARMARK_TEST_DATABASE_URL`` for the command. It is, in this order:
what that variable names already; a server that runs on this machine and lets us make databases;
a private one, started from installed programs in a temporary folder and stopped afterwards; the
same after installing PostgreSQL with apt. If none can be had, the command is not run and the exit
status says so.
"""

from __future__ import annotations

import contextlib
import os
import pwd
import shutil
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import psycopg

URL = "EARMARK_TEST_DATABASE_URL"
_LOCAL = (
    "postgresql:///postgres",
    "postgresql://postgres@/postgres",
    "postgresql://postgres@localhost:5432/postgres",
    "postgresql://postgres:postgres@localhost:5432/postgres",
)


def main(command: list[str]) -> int:
    """Run the command with a server and return its exit status."""
    if not command:
        sys.exit(__doc__)
    with contextlib.ExitStack() as stack:
        url = os.environ.get(URL) or _find_running()
        url = url or stack.enter_context(private_server()).url
        say(f"PostgreSQL for the tests: {url}")
        environment = os.environ | {URL: url, "EARMARK_TEST_DATABASE": "postgres"}
        # A shell-style NAME=value in front of the command is meant for its environment.
        while command and "=" in command[0]:
            name, _, value = command.pop(0).partition("=")
            environment[name] = value
        return subprocess.run(command, env=environment, check=False).returncode


def _find_running() -> str | None:
    """Return the address of a local server where we may make databases."""
    for url in _LOCAL:
        with contextlib.suppress(psycopg.Error), psycopg.connect(url, connect_timeout=2) as server:
            row = server.execute(
                "SELECT rolcreatedb OR rolsuper FROM pg_roles WHERE rolname = current_user"
            ).fetchone()
            if row and row[0]:
                return url
    return None


FAST = "-c fsync=off -c synchronous_commit=off -c full_page_writes=off"
"""Durability is for data anybody would miss."""


class PrivateServer:
    """A PostgreSQL of one's own in a folder, which may be a new one.

    Parameters
    ----------
    folder : Path
        Whoever it runs as must be able to enter it.
    options : str
        What it is started with, besides its address.
    """

    def __init__(self, folder: Path, options: str = FAST) -> None:
        programs = _find_programs() or _install()
        prefix: list[str] = []
        if os.geteuid() == 0:
            # initdb refuses to work as root.
            user = _unprivileged_user()
            shutil.chown(folder, user=user)
            prefix = ["runuser", "-u", user, "--"]
        self._folder = folder
        self._data = folder / "data"
        self._initdb = [*prefix, str(programs / "initdb"), "-D", str(self._data), "-U", "earmark"]
        self._control = [*prefix, str(programs / "pg_ctl"), "-D", str(self._data), "-s", "-w"]
        port = _free_port()
        self._options = (
            f"-p {port} -k {folder} -c listen_addresses=127.0.0.1 -c max_connections=200 {options}"
        )
        self.url = f"postgresql://earmark@127.0.0.1:{port}/postgres"

    def create(self) -> None:
        """Make its files."""
        how = ("-A", "trust", "--encoding=UTF8", "--locale=C", "--no-sync")
        _run([*self._initdb, *how], self._folder)

    def start(self) -> None:
        """Start it, and wait until it answers."""
        log = str(self._folder / "log")
        _run([*self._control, "-l", log, "-o", self._options, "start"], self._folder)

    def stop(self) -> None:
        """End it at once, in whatever it does; harmless where it does not run."""
        if (self._data / "postmaster.pid").exists():
            _run([*self._control, "-m", "immediate", "stop"], self._folder)


@contextlib.contextmanager
def private_server(options: str = FAST) -> Iterator[PrivateServer]:
    """Start a server in a temporary folder, and stop and remove it afterwards."""
    folder = Path(tempfile.mkdtemp(prefix="earmark-postgres-"))
    try:
        server = PrivateServer(folder, options)
        try:
            server.create()
            server.start()
            yield server
        finally:
            server.stop()
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _find_programs() -> Path | None:
    """Return the folder of the newest installed server programs."""
    on_path = shutil.which("initdb")
    if on_path:
        return Path(on_path).resolve().parent
    found = Path("/usr/lib/postgresql").glob("*/bin/initdb")
    return max(
        (path.parent for path in found), key=lambda path: int(path.parent.name), default=None
    )


def _install() -> Path:
    say("No PostgreSQL is installed; trying apt-get install postgresql.")
    root = [] if os.geteuid() == 0 else ["sudo", "-n"]
    if shutil.which("apt-get"):
        for arguments in (["update", "-qq"], ["install", "-qq", "-y", "postgresql"]):
            command = [*root, "env", "DEBIAN_FRONTEND=noninteractive", "apt-get", *arguments]
            with contextlib.suppress(OSError):
                subprocess.run(command, check=False, stdout=subprocess.DEVNULL)
        programs = _find_programs()
        if programs:
            return programs
    sys.exit(
        "The database tests need PostgreSQL, and there is none: install it "
        f"(apt-get install postgresql), or name a server in {URL}."
    )


def _unprivileged_user() -> str:
    for name in ("postgres", "nobody"):
        with contextlib.suppress(KeyError):
            return pwd.getpwnam(name).pw_name
    sys.exit("PostgreSQL cannot run as root, and there is no user postgres or nobody.")


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _run(command: list[str], folder: Path) -> None:
    # The server would keep a pipe open for good; and runuser must be able to enter the folder.
    done = subprocess.run(command, cwd=folder, stdout=subprocess.DEVNULL, check=False)
    if done.returncode:
        log = folder / "log"
        detail = log.read_text(errors="replace") if log.exists() else ""
        sys.exit(f"{' '.join(command)} failed with status {done.returncode}.\n{detail}")


def say(message: str) -> None:
    """Tell the person in front of the terminal."""
    sys.stderr.write(f"{message}\n")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
