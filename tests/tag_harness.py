"""Runs the real `tag` command in a process of its own, with a small real classifier."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import soundfile

from tests.once import one_at_a_time

REPOSITORY = Path(__file__).resolve().parents[1]
SOURCE_ROOTS = ("platform", "workers", "plugins/api", "plugins/builtin")


def install_plugin(folder: Path) -> Path:
    """Lay out an installed distribution with the test classifier; put `folder` on the path."""
    info = folder / "earmark_bands-1.0.0.dist-info"
    info.mkdir(parents=True)
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: earmark-bands\nVersion: 1.0.0\n")
    (info / "entry_points.txt").write_text(
        "[earmark.classifiers]\nbands = earmark_bands:Bands\nbroken = earmark_bands:Broken\n"
        "weightless = earmark_bands:Weightless\n"
    )
    shutil.copy(REPOSITORY / "tests" / "bands_classifier.py", folder / "earmark_bands.py")
    return folder


def sine(path: Path, seconds: float = 1.5, frequency: float = 440.0, rate: int = 16000) -> Path:
    """Write a tone."""
    t = np.arange(round(seconds * rate)) / rate
    soundfile.write(path, 0.5 * np.sin(2 * np.pi * frequency * t), rate)
    return path


def noise(path: Path, seconds: float = 1.5, seed: int = 0, rate: int = 16000) -> Path:
    """Write white noise."""
    samples = np.random.default_rng(seed).uniform(-0.5, 0.5, round(seconds * rate))
    soundfile.write(path, samples, rate)
    return path


@dataclass
class Outcome:
    """What a finished command left."""

    status: int
    out: str
    err: str

    @property
    def records(self) -> dict[str, dict[str, Any]]:
        """The JSON Lines by file name."""
        rows = [json.loads(line) for line in self.out.splitlines()]
        return {Path(row["path"]).name: row for row in rows}

    @property
    def codes(self) -> dict[str, str | None]:
        """Error code by file name."""
        return {n: r["error"] and r["error"]["code"] for n, r in self.records.items()}


@cache
def empty_data() -> Path:
    """A data folder with an empty database: to be copied, not changed."""
    with one_at_a_time() as folder:
        made = folder / "data"
        if not made.exists():
            making = Installation(folder / "making", folder / "plugins")
            done = making.run("migrate", "--verbosity", "0")
            assert done.status == 0, done.err
            making.data.rename(made)
    return made


@dataclass
class Installation:
    """An independent Earmark: its own data folder, and the test classifier."""

    data: Path
    plugins: Path
    extra: dict[str, str] = field(default_factory=dict)
    prefix: tuple[str, ...] = ()

    def with_database(self) -> Installation:
        """Give it the empty database that its first command would take seconds to make."""
        shutil.copytree(empty_data(), self.data, dirs_exist_ok=True)
        return self

    @property
    def log(self) -> Path:
        """Where the test classifier writes down what it was asked."""
        return self.data / "bands.log"

    def count_windows(self) -> int:
        """How many windows have been classified so far."""
        if not self.log.exists():
            return 0
        lines = self.log.read_text().splitlines()
        return sum(int(line.split()[1]) for line in lines if line.startswith("windows"))

    @property
    def environment(self) -> dict[str, str]:
        """What the command runs under."""
        path = [str(REPOSITORY / root) for root in SOURCE_ROOTS] + [str(self.plugins)]
        return {
            **{k: v for k, v in os.environ.items() if not k.startswith(("EARMARK_", "DJANGO_"))},
            "PYTHONPATH": os.pathsep.join(path),
            "EARMARK_DATA_DIR": str(self.data),
            "BANDS_LOG": str(self.log),
            **self.extra,
        }

    def command(self, *arguments: str | Path) -> list[str]:
        """The argument vector of ``earmark ARGUMENTS``."""
        return [*self.prefix, sys.executable, "-m", "earmark", *map(os.fspath, arguments)]

    def run(self, *arguments: str | Path, timeout: float = 120) -> Outcome:
        """Run a command to its end."""
        done = subprocess.run(
            self.command(*arguments),
            env=self.environment,
            capture_output=True,
            timeout=timeout,
            check=False,
        )
        decode = lambda raw: raw.decode("utf-8", "surrogateescape")  # noqa: E731
        return Outcome(done.returncode, decode(done.stdout), decode(done.stderr))

    def tag(self, *arguments: str | Path, classifier: str = "bands") -> Outcome:
        """Run ``earmark tag --json`` with the test classifier and one worker."""
        return self.run("tag", "--json", "--workers", "1", "--classifier", classifier, *arguments)

    def rows(self, query: str) -> list[tuple[Any, ...]]:
        """Ask or change the installation's database."""
        with contextlib.closing(sqlite3.connect(self.data / "earmark.sqlite3")) as database:
            found = database.execute(query).fetchall()
            database.commit()
            return found

    def start(self, *arguments: str | Path, **options: Any) -> subprocess.Popen[bytes]:
        """Start a command in a process group of its own."""
        return subprocess.Popen(
            self.command(*arguments), env=self.environment, start_new_session=True, **options
        )


_RUN_ALL = """
import json, shlex, sys
from django.core.management import execute_from_command_line
for line in json.load(sys.stdin):
    print("#", line, file=sys.stderr, flush=True)
    try:
        execute_from_command_line(shlex.split(line))
    except SystemExit as end:
        print("# status", end.code, file=sys.stderr, flush=True)
"""


def run_all(lines: Sequence[str], place: Path, environment: Mapping[str, str]) -> list[str]:
    """Run command lines in a folder, in one process: starting Python takes most of the time.

    Returns what each wrote to standard error; ``# status N`` is in it unless it ended well.
    """
    done = subprocess.run(
        [sys.executable, "-c", _RUN_ALL],
        input=json.dumps(lines),
        cwd=place,
        env={
            **environment,
            "DJANGO_SETTINGS_MODULE": "earmark.settings.single",
            "OMP_NUM_THREADS": "1",
        },
        capture_output=True,
        text=True,
        timeout=280,
        check=False,
    )
    said = done.stderr.split("# earmark ")[1:]
    assert len(said) == len(lines), done.stderr
    return said


def descendants(pid: int) -> list[int]:
    """All processes below `pid`, from /proc."""
    children: dict[int, list[int]] = {}
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = stat.read_text().rpartition(")")[2].split()
        except OSError:
            continue  # it ended while we looked
        children.setdefault(int(fields[1]), []).append(int(stat.parent.name))
    found, todo = [], [pid]
    while todo:
        below = children.get(todo.pop(), [])
        found += below
        todo += below
    return found


def kill(pid: int) -> None:
    """End a process at once, if it is still there."""
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, signal.SIGKILL)


def without_superuser_rights() -> tuple[str, ...]:
    """A command prefix under which file permissions count even for root."""
    if os.geteuid() != 0:
        return ()
    program = shutil.which("setpriv")
    assert program is not None, "install util-linux: these tests need setpriv when run as root"
    return (program, "--bounding-set=-dac_override,-dac_read_search")


def wait_for(condition: Callable[[], bool], seconds: float = 60.0) -> None:
    """Wait until something is so; fail if it does not come about."""
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "it did not come about in time"
        time.sleep(0.02)


def wait_for_end(pids: Iterable[int]) -> None:
    """Wait until none of these processes is there any more."""
    wait_for(lambda: not any(Path(f"/proc/{pid}").exists() for pid in pids))
