"""The Makefile and the scripts beside it say what they do, and why they cannot."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).resolve().parents[2]
MAKEFILE = (REPOSITORY / "Makefile").read_text(encoding="utf-8")


def make(*arguments: str) -> subprocess.CompletedProcess[str]:
    clean = {k: v for k, v in os.environ.items() if k not in {"MAKEFLAGS", "MAKELEVEL", "DIR"}}
    return subprocess.run(
        ["make", *arguments], cwd=REPOSITORY, env=clean, capture_output=True, text=True, check=False
    )


def test_make_alone_lists_every_target_people_may_want():
    done = make()

    assert done.returncode == 0
    listed = re.findall(r"^  make (\S+) +\S", done.stdout, re.MULTILINE)
    wanted = ["setup", "tag", "up", "test", "lint", "types", "bench", "fuzz", "clean", "help"]
    assert set(wanted) <= set(listed)


def test_without_a_folder_the_demo_is_made_and_tagged():
    commands = make("-n", "tag", "EARMARK_DATA_DIR=/data").stdout

    assert 'manage.py demo "/data/demo"' in commands
    assert 'manage.py tag "/data/demo"' in commands


def test_a_folder_reaches_the_command_as_it_is():
    commands = make("-n", "tag", "DIR=/my 'odd' sounds", "ARGS=--dry-run").stdout

    assert 'manage.py tag "$DIR" --dry-run' in commands
    assert "manage.py demo" not in commands


def test_tests_run_on_both_databases_and_with_every_check():
    commands = make("-n", "test").stdout

    checks = ("ruff check", "ruff format --check", "lint-imports", "makemigrations --check", "mypy")
    tests = re.findall(r"^(?!.*(?:echo|install)).*-m pytest.*$", commands, re.MULTILINE)
    assert all(check in commands for check in checks)
    assert ["with_postgres.py" in line for line in tests] == [False, True]
    assert commands.index("-m mypy") < commands.index("-m pytest")
    script = (REPOSITORY / ".ci/run").read_text(encoding="utf-8")
    assert "exec make test" in script


@pytest.mark.parametrize("name", ["run", "make-venv", "install-programs"])
def test_scripts_are_valid_and_can_be_run(name: str):
    script = REPOSITORY / ".ci" / name
    assert os.access(script, os.X_OK)
    assert subprocess.run(["sh", "-n", str(script)], check=False).returncode == 0


def make_venv(folder: Path, path: Path) -> subprocess.CompletedProcess[str]:
    """Run the script where only the programs in `path` are found."""
    return subprocess.run(
        ["/bin/sh", str(REPOSITORY / ".ci/make-venv"), str(folder / "venv")],
        env={"PATH": str(path)},
        capture_output=True,
        text=True,
        check=False,
    )


def test_a_machine_without_python_is_told_what_to_install(tmp_path: Path):
    done = make_venv(tmp_path, tmp_path)

    assert done.returncode == 1
    assert "needs Python 3.11 or newer" in done.stderr
    assert "apt-get install python3.11" in done.stderr


def test_a_python_without_venv_is_told_which_package_it_needs(tmp_path: Path):
    python = tmp_path / "python3"
    python.write_text(
        f'#!/bin/sh\ncase "$*" in *ensurepip*) exit 1;; esac\nexec {sys.executable} "$@"\n'
    )
    python.chmod(0o755)
    (tmp_path / "id").write_text("#!/bin/sh\necho 1000\n")
    (tmp_path / "id").chmod(0o755)

    done = make_venv(tmp_path, tmp_path)

    assert done.returncode == 1
    version = f"python{sys.version_info.major}.{sys.version_info.minor}"
    assert f"sudo apt-get install {version}-venv" in done.stderr
