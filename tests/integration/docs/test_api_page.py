"""The commands of docs/api.md, run in order in one shell against a server, as they stand there."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.db import connection

from earmark.exchange.bulk.models import BulkOperation
from earmark.library.models import LibraryRole, Scan
from earmark.library.services import run_next_scan
from tests.factories import ClassifierVersionFactory, make_sound
from tests.tag_harness import REPOSITORY

PAGE = (REPOSITORY / "docs" / "api.md").read_text("utf-8")
BLOCKS = re.findall(r"^```(sh|json)\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL)
_END = "--end of block--"


class Shell:
    """One shell that runs block after block."""

    def __init__(self, environment: dict[str, str]) -> None:
        self._process = subprocess.Popen(
            ["bash"],
            env=environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def run(self, block: str) -> list[Any]:
        """Run commands, and return the JSON that each wrote."""
        process = self._process
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdin.write(f"{block}\necho; echo '{_END}'\n")
        process.stdin.flush()
        text = "".join(iter(process.stdout.readline, f"{_END}\n"))
        return list(_values(text))

    def close(self) -> None:
        """End the shell."""
        self._process.communicate()


def _values(text: str) -> Iterator[Any]:
    decoder = json.JSONDecoder()
    while text := text.lstrip():
        value, end = decoder.raw_decode(text) if text[0] in "{[" else (None, text.find("\n"))
        if value is not None:
            yield value
        text = text[end:]


def shape(value: Any) -> Any:
    """Return what a value is like: keys, and types of what is not the same each time."""
    if isinstance(value, dict):
        return {key: shape(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [shape(inner) for inner in value]
    if isinstance(value, str) and re.match(r"\d{4}-\d\d-\d\dT", value):
        return "a time"
    return value


@pytest.fixture
def shell(
    tmp_path: Path, live_server: Any, django_db_reset_sequences: None, settings: Any
) -> Iterator[Shell]:
    if connection.vendor != "sqlite":
        pytest.skip("The page is about curl; one database is enough.")
    assert shutil.which("curl"), "install curl"
    (tmp_path / "bin").mkdir()
    program = tmp_path / "bin" / "earmark"
    program.write_text(f'#!/bin/sh\nexec {sys.executable} -m earmark "$@"\n')
    program.chmod(0o755)
    environment = os.environ | {
        "PATH": f"{program.parent}:{os.environ['PATH']}",
        "DJANGO_SETTINGS_MODULE": "earmark.settings.single",
        "EARMARK_DATA_DIR": str(tmp_path / "data"),
        "EARMARK_DATABASE_URL": f"sqlite://{connection.settings_dict['NAME']}",
    }
    settings.EARMARK_LIBRARY_ROOTS = [tmp_path]
    shell = Shell(environment)
    yield shell
    shell.close()


def test_every_command_of_the_page_does_what_it_says(
    shell: Shell, live_server: Any, tmp_path: Path
):
    sounds = tmp_path / "sounds"
    make_sound(sounds / "Rain/heavy.wav", seconds=0.5)
    ClassifierVersionFactory(name="audioset")
    answers: list[Any] = []
    for kind, block in BLOCKS:
        block = block.replace("/srv/sounds", str(sounds))
        if kind == "sh":
            answers = shell.run(block.replace("http://127.0.0.1:8000", live_server.url))
            asked = len(re.findall(r"^ask ", block, re.MULTILINE))
            assert len(answers) == asked, (block, answers)
            unexpected = [one for one in answers if "code" in one and "state=lost" not in block]
            assert unexpected == [], block
            run_next_scan(worker="page")  # what a worker would do meanwhile
        else:
            assert shape(answers[-1]) == shape(json.loads(block))
    assert [scan.state for scan in Scan.objects.all()] == ["succeeded"] * 2
    assert sorted(LibraryRole.objects.values_list("role", flat=True)) == ["reviewer", "viewer"]
    assert BulkOperation.objects.open().get().kind == "forget"
