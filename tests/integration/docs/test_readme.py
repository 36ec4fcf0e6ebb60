"""Every command of the README, run as it stands there on real sounds."""

from __future__ import annotations

import json
import os
import pty
import re
import signal
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

import pytest

from earmark_files.metadata import read_tags
from tests.tag_harness import REPOSITORY, descendants, kill, noise, sine

README = (REPOSITORY / "README.md").read_text("utf-8")
BLOCKS = re.findall(r"^```sh\n(.*?)^```", README, re.MULTILINE | re.DOTALL)
COMMANDS = [line for block in BLOCKS for line in block.splitlines() if line.strip()]
SPECIAL = {"make test", "make up", "earmark createsuperuser"}
"""Commands that would not end by themselves or run this test again; each has a test below."""

PASSWORD = "correct horse battery"


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder to work in, with badly named sounds below it."""
    place = tmp_path_factory.mktemp("readme")
    (place / "sounds").mkdir()
    noise(place / "sounds" / "Track 18.wav", seconds=4)
    sine(place / "sounds" / "Track 19.flac", seconds=4, frequency=1000)
    return place


def run(command: str, place: Path, **more: str) -> subprocess.CompletedProcess[str]:
    """Run a line in a shell, from the checkout, with its own data folder."""
    line = command.replace("/path/to/sounds", str(place / "sounds"))
    line = re.sub(r"(>|-o) (\S+)$", lambda match: f"{match[1]} {place / match[2]}", line)
    return subprocess.run(
        ["/bin/sh", "-euc", line],
        cwd=REPOSITORY,
        env=environment(place) | more,
        capture_output=True,
        text=True,
        timeout=280,
        check=False,
    )


def environment(place: Path) -> dict[str, str]:
    kept = {
        k: v for k, v in os.environ.items() if not k.startswith(("EARMARK_", "DJANGO_", "MAKE"))
    }
    path = f"{Path(sys.executable).parent}{os.pathsep}{kept['PATH']}"
    return kept | {"PATH": path, "EARMARK_DATA_DIR": str(place / "var")}


def test_the_readme_has_its_commands() -> None:
    assert len(COMMANDS) >= 8
    assert set(COMMANDS) >= SPECIAL


# One test, not one a command: they belong together and share a data folder in this order.
def test_every_command_does_what_it_says(place: Path) -> None:
    before = [path.read_bytes() for path in sorted((place / "sounds").iterdir())]
    untouched = [c for c in COMMANDS if "--dry-run" in c or "--no-write" in c]
    others = [c for c in COMMANDS if c not in {*untouched, *SPECIAL}]
    for command in untouched:
        done = run(command, place)
        assert done.returncode == 0, (command, done.stderr)
    assert [p.read_bytes() for p in sorted((place / "sounds").iterdir())] == before
    assert "Track 18.wav" in (place / "tags.csv").read_text()
    for command in others:
        done = run(command, place)
        assert done.returncode == 0, (command, done.stderr)
    rows = [json.loads(line) for line in (place / "tags.jsonl").read_text().splitlines()]
    assert {Path(row["path"]).name for row in rows} == {"Track 18.wav", "Track 19.flac"}
    assert "Track 19.flac" in (place / "sounds.txt").read_text()
    heard = read_tags(place / "sounds" / "Track 19.flac").keywords
    assert {"Sine wave", "Beep", "Dial tone", "Tuning fork", "Chirp tone"} & set(heard)
    # The last command takes back what the first one wrote into this file.
    assert (place / "sounds" / "Track 18.wav").read_bytes() == before[0]


def test_make_test_is_what_ci_runs() -> None:
    assert "make test" in (REPOSITORY / ".ci" / "run").read_text()
    planned = subprocess.run(
        ["make", "--dry-run", "test"], cwd=REPOSITORY, capture_output=True, text=True, check=True
    ).stdout
    for part in ("ruff check", "mypy", "lint-imports", "makemigrations --check", "pytest"):
        assert part in planned


def test_the_first_user_logs_in_to_what_make_up_serves(place: Path) -> None:
    assert run("make data", place).returncode == 0
    create_superuser(place)
    process = subprocess.Popen(
        ["make", "up", "ARGS=--port 8765"],
        cwd=REPOSITORY,
        env=environment(place),
        start_new_session=True,
    )
    try:
        page = fetch("http://127.0.0.1:8765/admin/login/")
        assert "Earmark" in page
        os.killpg(process.pid, signal.SIGINT)
        process.wait(30)
    finally:
        for pid in (*descendants(process.pid), process.pid):
            kill(pid)


def create_superuser(place: Path) -> None:
    """Answer the questions of ``earmark createsuperuser`` on a terminal, as a person does."""
    pid, terminal = pty.fork()
    if pid == 0:
        os.chdir(REPOSITORY)
        os.execvpe("earmark", ["earmark", "createsuperuser"], environment(place))
    answers = iter(["ada", "ada@example.org", PASSWORD, PASSWORD])
    seen = b""
    while True:
        try:
            seen += os.read(terminal, 1024)
        except OSError:
            break  # the terminal is closed: the command has ended
        if seen.rstrip().endswith(b":"):
            os.write(terminal, next(answers).encode() + b"\n")
            seen = b""
    _, status = os.waitpid(pid, 0)
    assert os.waitstatus_to_exitcode(status) == 0
    assert b"created" in seen


def fetch(url: str) -> str:
    deadline = time.monotonic() + 60
    while True:
        try:
            with urllib.request.urlopen(url) as answer:
                return str(answer.read().decode())
        except OSError:
            assert time.monotonic() < deadline, f"{url} did not answer"
            time.sleep(0.2)
