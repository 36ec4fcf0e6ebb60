"""What people see who type `earmark` and nothing else."""

from __future__ import annotations

import subprocess
import sys

import pytest
from django.core.management import get_commands

from earmark.core.overview import is_asked, overview


def test_every_command_of_ours_has_a_line_with_its_purpose_and_no_other_has():
    lines = [line.split(maxsplit=1) for line in overview().splitlines() if line.startswith("  ")]
    own = [name for name, app in get_commands().items() if app.startswith("earmark")]
    assert [name for name, _ in lines] == sorted(own)
    assert all(purpose.endswith(".") and len(purpose) < 200 for _, purpose in lines)


@pytest.mark.parametrize("arguments", [["tag"], ["help", "tag"], ["tag", "--help"], ["--version"]])
def test_other_command_lines_are_left_to_their_commands(arguments: list[str]):
    assert not is_asked(arguments)


def test_earmark_alone_tells_what_there_is():
    done = subprocess.run(
        [sys.executable, "-m", "earmark"], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert "earmark COMMAND --help" in done.stdout
    assert "migrate" not in done.stdout


@pytest.mark.parametrize("program", [["-m", "earmark"], ["manage.py"]], ids=["earmark", "checkout"])
def test_a_command_that_does_not_exist_is_a_wrong_command_line(program: list[str]):
    done = subprocess.run(
        [sys.executable, *program, "tagg"], capture_output=True, text=True, check=False
    )
    assert done.returncode == 2
    assert "Did you mean tag?" in done.stderr
