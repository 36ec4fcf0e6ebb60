"""Programs that a command starts beside itself and ends with itself."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterable, Mapping, Sequence

from django.conf import settings

_GRACE_S = 30.0


def start_module(
    module: Sequence[str], environment: Mapping[str, str] | None = None
) -> subprocess.Popen[bytes]:
    """Start a Python module in a process group of its own: Ctrl-C is ours to pass on.

    Where util-linux is there (that is, on every Debian) the kernel ends the module with us, even
    if we are killed.

    Parameters
    ----------
    module : sequence of str
        Name and arguments.
    environment : mapping, optional
        Variables beside our own.
    """
    setpriv = shutil.which("setpriv")
    with_us = [setpriv, "--pdeathsig", "TERM", "--"] if setpriv else []
    return subprocess.Popen(  # noqa: S603 - our own interpreter and modules
        [*with_us, sys.executable, "-m", *module],
        env={
            **os.environ,
            "DJANGO_SETTINGS_MODULE": settings.SETTINGS_MODULE,
            **(environment or {}),
        },
        stdin=subprocess.DEVNULL,
        start_new_session=True,
    )


def stop_processes(processes: Iterable[subprocess.Popen[bytes]]) -> None:
    """Ask processes to end, and end them if they do not within the time of grace."""
    running = [process for process in processes if process.poll() is None]
    for process in running:
        process.terminate()
    deadline = time.monotonic() + _GRACE_S
    for process in running:
        try:
            process.wait(max(0.1, deadline - time.monotonic()))
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
