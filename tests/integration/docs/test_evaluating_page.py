"""Every command of docs/evaluating.md, run in order as it stands there.

The classifiers it names are played by those of the tests: the page is about the commands, and the
networks have tests of their own.
"""

from __future__ import annotations

import re
import shlex
import shutil
from pathlib import Path

import pytest
import soundfile

from tests.labelled_sounds import write_labelled
from tests.tag_harness import REPOSITORY, Installation, install_plugin, run_all, sine

PAGE = (REPOSITORY / "docs" / "evaluating.md").read_text("utf-8")
BLOCKS = re.findall(r"^```(\w+)\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL)
COMMANDS = [line for kind, block in BLOCKS if kind == "sh" for line in block.splitlines()]
PLAYED_BY = {"audioset": "bands", "doors": "broken"}


@pytest.fixture
def installation(tmp_path: Path) -> Installation:
    (tmp_path / "data").mkdir()
    return Installation(
        tmp_path / "data",
        install_plugin(tmp_path / "plugins"),
        extra={"BROKEN_MENDED": "1", "EARMARK_CLASSIFIER": "bands"},
    )


def write_sounds(place: Path) -> None:
    """Sounds under names the test classifiers know, and under those of the page's table."""
    made = write_labelled(place / "made", each=3, seconds=1.2, classes=("White_noise", "Siren"))
    shutil.copytree(made / "White_noise", place / "Labelled" / "White_noise")
    shutil.copytree(made / "Siren", place / "Labelled" / "Sine wave")
    shutil.copytree(made / "White_noise", place / "Renamed" / "hiss")
    shutil.copytree(made / "Siren", place / "Renamed" / "tone")
    shutil.copytree(made / "White_noise", place / "Renamed" / "room")
    sine(place / "long take.wav", seconds=3)
    (table,) = (block for kind, block in BLOCKS if kind == "csv")
    (place / "means.csv").write_text(table)


def test_every_command_of_the_page_does_what_it_says(
    installation: Installation, tmp_path: Path
) -> None:
    place = tmp_path / "place"
    place.mkdir()
    write_sounds(place)
    assert len(COMMANDS) >= 9
    cast = [
        shlex.join(PLAYED_BY.get(word, word) for word in shlex.split(command.partition("|")[0]))
        for command in COMMANDS
    ]
    for said in run_all(cast, place, installation.environment):
        assert "# status" not in said, said
    written = {path.name for path in place.iterdir() if path.suffix in (".html", ".png")}
    assert written == {
        "dataset.html", "dataset.png", "report.html", "comparison.html", "take.png", "take.html",
    }  # fmt: skip
    assert soundfile.info(place / "long take.wav").duration == 3


def test_its_pictures_are_there_and_small() -> None:
    names = re.findall(r"!\[[^]]+\]\(([^)]+)\)", PAGE)
    assert len(names) == 2
    for name in names:
        assert 10_000 < (REPOSITORY / "docs" / name).stat().st_size < 300_000
