"""docs/writing-a-plugin.md is run from top to bottom, as an author would.

What the fences mean: a path after the language is a file to write (with ``+NAME`` a piece to insert
below the line that starts with NAME), ``bash`` is typed in, ``python`` without a path is a script,
and ``text`` is what the block before printed: each line is among it, ``...`` stands for anything,
the width of blanks does not count. Other fences are refused, so nothing on the page goes untested.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import sysconfig
import venv
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from earmark_plugin_api.testing import ALL_CHECKS
from tests.tag_harness import empty_data

PAGE = Path(__file__).parents[3] / "docs" / "writing-a-plugin.md"
FENCE = re.compile(r"^```(\S+)[ ]?(.*?)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
TYPED_IN_PROSE = re.compile(r"`((?:earmark|pip|pytest|python) [^`]+)`")
COMMANDS = {"pip": "pip", "pytest": "pytest", "earmark": "earmark"}


@dataclass
class Author:
    """Somebody with Earmark's environment active and an empty folder."""

    folder: Path
    python: Path
    environment: dict[str, str]
    printed: str = ""
    typed: list[str] = field(default_factory=list)

    def follow(self, language: str, title: str, body: str) -> None:
        match language, title.split():
            case "bash", []:
                for line in body.splitlines():
                    self.typed.append(line)
                    self.run("bash", "-e", "-c", line)
            case "python", []:
                self.run(str(self.python), "-c", body)
            case "text", []:
                self.expect(body)
            case (("python" | "toml"), [path]):
                file = self.folder / path
                file.parent.mkdir(parents=True, exist_ok=True)
                file.write_text(body)
            case "toml", [path, below]:
                self.insert(self.folder / path, below.removeprefix("+"), body)
            case _:
                pytest.fail(f"no one runs a block of {language!r} {title!r}")

    def run(self, *command: str) -> None:
        done = subprocess.run(
            command, cwd=self.folder, env=self.environment, text=True, timeout=180,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False,
        )  # fmt: skip
        assert done.returncode == 0, f"{command[-1]}\n{done.stdout}"
        self.printed = done.stdout

    def expect(self, text: str) -> None:
        printed = [" ".join(line.split()) for line in self.printed.splitlines()]
        for line in text.splitlines():
            wanted = ".*".join(re.escape(" ".join(part.split())) for part in line.split("..."))
            found = any(re.fullmatch(wanted, candidate) for candidate in printed)
            assert found, f"{line!r} is not in\n{self.printed}"

    @staticmethod
    def insert(file: Path, below: str, body: str) -> None:
        lines = file.read_text().splitlines(keepends=True)
        (at,) = [i for i, line in enumerate(lines) if line.startswith(below)]
        file.write_text("".join([*lines[: at + 1], body, *lines[at + 1 :]]))


@pytest.fixture
def author(tmp_path: Path) -> Iterator[Author]:
    """An environment that sees all of this one and can be installed into without changing it."""
    venv.create(tmp_path / "venv", with_pip=False)
    binaries = tmp_path / "venv" / "bin"
    (site,) = (tmp_path / "venv" / "lib").glob("python*/site-packages")
    ours = sysconfig.get_path("purelib")
    (site / "seen.pth").write_text(f"import site; site.addsitedir({ours!r})\n")
    for name, module in COMMANDS.items():
        script = binaries / name
        script.write_text(f'#!/bin/sh\nexec "{binaries}/python" -m {module} "$@"\n')
        script.chmod(0o755)
    folder = tmp_path / "empty"
    folder.mkdir()
    shutil.copytree(empty_data(), tmp_path / "data")
    inherited = {k: v for k, v in os.environ.items() if not k.startswith(("EARMARK_", "DJANGO_"))}
    environment = inherited | {
        "PATH": f"{binaries}{os.pathsep}{os.environ['PATH']}",
        "PYTHONPATH": os.pathsep.join(
            p for p in sys.path if Path(p, "earmark_plugin_api").is_dir()
        ),
        "EARMARK_DATA_DIR": str(tmp_path / "data"),
        "OMP_NUM_THREADS": "1",
        # Build with the hatchling that is installed: a test fetches nothing.
        "PIP_NO_BUILD_ISOLATION": "0",
        "PIP_NO_INDEX": "1",
        "PIP_DISABLE_PIP_VERSION_CHECK": "1",
        "COLUMNS": "200",
    }
    yield Author(folder, binaries / "python", environment)


@pytest.mark.slow
def test_everything_on_the_page_works_in_the_order_it_is_told(author: Author) -> None:
    page = PAGE.read_text()
    blocks = FENCE.findall(page)
    assert len(blocks) == page.count("\n```") / 2, "a fence is not closed or has no language"
    for language, title, body in blocks:
        author.follow(language, title, body)
    prose = FENCE.sub("", page)
    untried = {said for said in TYPED_IN_PROSE.findall(prose) if not _was_typed(said, author.typed)}
    assert not untried


def _was_typed(said: str, typed: list[str]) -> bool:
    return any(line.startswith(said) for line in typed)


def test_the_table_names_every_check_in_order() -> None:
    named = re.findall(r"^\| `(check_\w+)` \|", PAGE.read_text(), re.MULTILINE)
    assert named == [check.__name__ for check in ALL_CHECKS]
