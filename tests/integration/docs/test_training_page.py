"""Every command of the training page, run as it stands there on synthesised sounds."""

from __future__ import annotations

import os
import re
import shutil
from pathlib import Path

import pytest

from tests.tag_harness import REPOSITORY, empty_data, run_all
from tests.training_sounds import make_classes, make_table

PAGE = (REPOSITORY / "docs/training.md").read_text("utf-8")
BLOCKS = re.findall(r"^```sh\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL)
COMMANDS = [line for block in BLOCKS for line in block.splitlines()]


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the sounds that the page speaks of."""
    place = tmp_path_factory.mktemp("training")
    shutil.copytree(empty_data(), place / "var")
    make_classes(place / "Doors", per_class=3)
    make_table(place, per_class=3)
    return place


def test_the_commands_of_the_page_work_in_their_order(place: Path) -> None:
    assert len(COMMANDS) == 8
    # As many rounds as are needed to see it work.
    lines = [
        f"{line} --epochs 2" if "train" in line and "--epochs" not in line else line
        for line in COMMANDS
    ]
    kept = {k: v for k, v in os.environ.items() if not k.startswith(("EARMARK_", "DJANGO_"))}
    said = run_all(lines, place, kept | {"EARMARK_DATA_DIR": str(place / "var")})
    for words in said:
        if "--resume" in words.splitlines()[0]:  # nothing was interrupted, which it says
            assert "nothing to go on from" in words
            assert "# status 1" in words
        else:
            assert "# status" not in words, words
    versions = {
        path.parent.name: path.name for path in sorted((place / "var/classifiers").glob("*/1*"))
    }
    assert versions == {
        "doors": "1.2.0",
        "fine-doors": "1.0.0",
        "from-table": "1.0.0",
        "more-doors": "1.0.0",
    }
