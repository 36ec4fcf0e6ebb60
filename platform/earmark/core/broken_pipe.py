"""How a command ends whose reader went away, as in ``earmark metadata show *.wav | head``."""

from __future__ import annotations

import os
import signal
import sys
from typing import NoReturn


def leave_broken_pipe() -> NoReturn:
    """End as a program does whose reader went away, without a word; see signal(7)."""
    # What is still in the buffer goes nowhere, so that the flush at the end cannot fail too.
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    sys.exit(128 + signal.SIGPIPE)
