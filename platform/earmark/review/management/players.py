"""Plays a sound with whatever player the machine has."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

_PLAYERS = {
    "ffplay": ("-nodisp", "-autoexit", "-loglevel", "quiet", "-i"),
    "mpv": ("--no-video", "--really-quiet", "--"),
    "play": ("-q", "--"),
    "afplay": (),
}
"""In this order; each takes a file after these arguments."""


def find_player() -> list[str] | None:
    """Return the command that plays a file whose path follows it; None if there is none."""
    for name, arguments in _PLAYERS.items():
        program = shutil.which(name)
        if program is not None:
            return [program, *arguments]
    return None


def play(player: list[str], path: Path) -> bool:
    """Play a file to its end, or until Ctrl-C; return whether the player was content."""
    try:
        # What a player has to say about the machine's sound hides what is asked.
        silence = subprocess.DEVNULL
        done = subprocess.run([*player, str(path)], stdin=silence, stderr=silence, check=False)  # noqa: S603
    except KeyboardInterrupt:
        return True
    return done.returncode == 0
