"""A fresh Earmark to measure: its own data folder, set up as `make setup` leaves it."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

EARMARK = (sys.executable, "-m", "earmark")
_WORDNET = Path(__file__).resolve().parents[1] / "var" / "nltk_data"


def make_installation(data: Path) -> dict[str, str]:
    """Make the database in `data`, and return the environment to run `earmark` in.

    WordNet is taken from the checkout's own data folder if it is there, as for most users.
    """
    data.mkdir(parents=True)
    if _WORDNET.is_dir():
        (data / "nltk_data").symlink_to(_WORDNET)
    environment = {**os.environ, "EARMARK_DATA_DIR": str(data)}
    subprocess.run([*EARMARK, "migrate", "--verbosity", "0"], env=environment, check=True)
    if has_wordnet():
        subprocess.run(
            [*EARMARK, "setup_wordnet"], env=environment, check=True, stdout=subprocess.DEVNULL
        )
    return environment


def has_wordnet() -> bool:
    """Whether synonyms are part of the measured work."""
    return _WORDNET.is_dir()
