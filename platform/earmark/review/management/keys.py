"""One key from a terminal, or one line from whatever else is at standard input."""

from __future__ import annotations

import os
import select
import sys
from collections.abc import Callable
from typing import TextIO


def read_key(source: TextIO, *, every_s: float, meanwhile: Callable[[], None]) -> str:
    """Return the next key; from a pipe the first letter of the next line; "" at the end.

    Parameters
    ----------
    source : text stream
    every_s : float
        While a terminal waits for its user, `meanwhile` is called this often.
    meanwhile : callable
    """
    if not source.isatty():
        line = source.readline()
        return line.strip()[:1].lower() or ("\n" if line else "")
    import termios
    import tty

    descriptor = source.fileno()
    before = termios.tcgetattr(descriptor)
    try:
        tty.setcbreak(descriptor)
        while not select.select([descriptor], [], [], every_s)[0]:
            meanwhile()
        # Ctrl-C still interrupts; Ctrl-D is the end, as in a pipe.
        return os.read(descriptor, 1).decode("ascii", "replace").lower().replace("\x04", "")
    finally:
        termios.tcsetattr(descriptor, termios.TCSADRAIN, before)


def read_line(source: TextIO, prompt: str) -> str:
    """Ask for a line; "" where nothing was said."""
    sys.stderr.write(prompt)
    sys.stderr.flush()
    return source.readline().strip()
