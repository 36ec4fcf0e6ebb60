"""The commands of docs/operations.md, section Scans, run in order as they stand there."""

from __future__ import annotations

import json
import re
import shlex
import signal
import sqlite3
import time
from contextlib import closing
from pathlib import Path

import pytest

from tests.tag_harness import REPOSITORY, Installation

PAGE = (REPOSITORY / "docs" / "operations.md").read_text("utf-8")
SECTION = PAGE.partition("## Scans")[2].partition("\n## ")[0]
COMMANDS = [
    line
    for block in re.findall(r"^```sh\n(.*?)^```", SECTION, re.MULTILINE | re.DOTALL)
    for line in block.splitlines()
]


@pytest.fixture
def installation(tmp_path: Path) -> Installation:
    for name in ("a.wav", "Old/b.wav", "Doors/c.flac", "Doors/d_TEMP.wav"):
        place = tmp_path / "Sounds" / name
        place.parent.mkdir(parents=True, exist_ok=True)
        place.touch()
    extra = {"EARMARK_SETTLE_SECONDS": "0"}
    return Installation(tmp_path / "data", tmp_path / "plugins", extra=extra).with_database()


def test_every_command_of_the_section_does_what_it_says(
    installation: Installation, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert len(COMMANDS) >= 7
    told: dict[str, str] = {}
    for command in COMMANDS:
        words = shlex.split(command)
        assert words[0] == "earmark"
        done = installation.run(*words[1:])
        assert done.status == 0, (command, done.err)
        told[words[2] + str("--under" in words)] = done.out
    assert "2 files in 2 folders: 2 new" in told["scanFalse"]
    assert "1 files in 1 folders: nothing new" in told["scanTrue"]
    (listed,) = (json.loads(line) for line in told["listFalse"].splitlines())
    assert (listed["include"], listed["exclude"]) == (["*.wav", "*.flac"], [])
    assert (listed["scan_every"], listed["files"]["present"]) == (None, 2)
    assert len([path for path in (tmp_path / "Sounds").rglob("*") if path.is_file()]) == 4


def test_a_wrong_command_line_and_a_failed_scan_have_their_exit_statuses(
    installation: Installation, tmp_path: Path
) -> None:
    sounds = tmp_path / "Sounds"
    assert installation.run("library", "scan", "nothing").status == 2
    assert installation.run("library", "add", tmp_path / "none").status == 2
    assert installation.run("library", "add", sounds, "--exclude", "!").status == 2
    assert installation.run("library", "add", sounds).status == 0
    assert installation.run("library", "remove", "Sounds").status == 2
    sounds.rename(tmp_path / "unmounted")

    failed = installation.run("library", "scan", "Sounds", "--json")

    assert failed.status == 1
    assert json.loads(failed.out)["error"]["code"] == "library_offline"


def folders_read(installation: Installation) -> int:
    with closing(sqlite3.connect(installation.data / "earmark.sqlite3")) as database:
        row = database.execute("SELECT folders FROM library_scan").fetchone()
    return row[0] if row else 0


def test_a_scan_that_is_killed_is_gone_on_with_by_the_next_command(
    installation: Installation, tmp_path: Path
) -> None:
    for folder in range(3000):
        (tmp_path / f"Sounds/{folder:04}").mkdir()
        (tmp_path / f"Sounds/{folder:04}/x.wav").touch()
    assert installation.run("library", "add", tmp_path / "Sounds").status == 0
    child = installation.start("library", "scan", "Sounds")
    while child.poll() is None and not folders_read(installation):
        time.sleep(0.01)
    child.kill()
    assert child.wait() == -signal.SIGKILL

    done = installation.run("library", "scan", "Sounds", "--json")

    assert done.status == 0, done.err
    assert json.loads(done.out)["found"] == 3004
    files = json.loads(installation.run("library", "list", "--json").out)["files"]
    assert files == {"present": 3004, "missing": 0, "failed": 0, "excluded": 0}
