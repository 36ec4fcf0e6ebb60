"""Every command of the pages about the classic backends, run as it stands there."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import soundfile

from tests.sound_classes import RATE, chirp, hiss, write_classes
from tests.tag_harness import REPOSITORY, empty_data, noise

PAGES = ("features-svm", "embedding-linear", "detector")


def commands(page: str) -> list[str]:
    text = (REPOSITORY / "docs" / "models" / f"{page}.md").read_text("utf-8")
    blocks = re.findall(r"^```sh\n(.*?)^```", text, re.MULTILINE | re.DOTALL)
    return [line for block in blocks for line in block.splitlines() if line.strip()]


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folders that the pages speak of."""
    place = tmp_path_factory.mktemp("pages")
    shutil.copytree(empty_data(), place / "var")
    write_classes(place / "classes", 4)
    quiet_hiss = lambda rng: 0.2 * hiss(rng, 4.0)  # noqa: E731
    write_classes(place / "calls", 5, {"robin": chirp, "background": quiet_hiss})
    for folder in ("sounds", "recordings"):
        (place / folder).mkdir()
    noise(place / "sounds" / "wind.wav")
    dawn = quiet_hiss(np.random.default_rng(3))
    dawn[RATE : RATE + RATE // 2] += 0.4 * chirp(np.random.default_rng(4))
    soundfile.write(place / "recordings" / "dawn.wav", dawn, RATE)
    return place


@pytest.mark.parametrize("page", PAGES)
def test_every_command_of_a_page_works(page: str, place: Path) -> None:
    lines = commands(page)
    assert len(lines) >= 3
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    environment = {k: v for k, v in os.environ.items() if not k.startswith(("EARMARK_", "DJANGO_"))}
    for line in lines:
        done = subprocess.run(
            ["/bin/sh", "-euc", line.replace("/path/to", str(place))],
            cwd=place,
            env=environment
            | {"PATH": path, "EARMARK_DATA_DIR": str(place / "var"), "OMP_NUM_THREADS": "1"},
            capture_output=True,
            text=True,
            timeout=280,
            check=False,
        )
        assert done.returncode == 0, f"{line}\n{done.stderr}"
    if page == "detector":
        assert (place / "robins.csv").read_text().startswith("path,label,start,end,score\n")
        assert (place / "labels" / "dawn.wav.labels.txt").exists()
        assert (place / "tables" / "dawn.wav.selections.txt").exists()
