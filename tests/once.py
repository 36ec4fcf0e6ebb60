"""What is made once for a whole test run, by whichever of its processes needs it first."""

from __future__ import annotations

import atexit
import contextlib
import fcntl
import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

_FOLDER = "TEST_RUN_FOLDER"


def run_folder() -> Path:
    """Return a folder that this process shares with all that it starts, and removes at its end."""
    found = os.environ.get(_FOLDER)
    if found is None:
        found = os.environ[_FOLDER] = tempfile.mkdtemp(prefix="earmark-tests-")
        atexit.register(shutil.rmtree, found, ignore_errors=True)
    return Path(found)


@contextlib.contextmanager
def one_at_a_time() -> Iterator[Path]:
    """Let one process of the test run in, to make what the others wait for; give the folder."""
    folder = run_folder()
    with (folder / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield folder
