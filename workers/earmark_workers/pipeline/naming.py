"""Names of working processes, from which anybody on the same machine can tell the dead.

A name holds host, start of the system, process number space, process number and the time the
process began: a later process with the same number is another worker.
"""

from __future__ import annotations

import os
import socket
from pathlib import Path

_START_TIME = 19
"""Position of ``starttime`` after the command in ``/proc/PID/stat`` (proc(5), field 22)."""

_PARTS = 4
"""Of a name: host, system start with number space, process number, process start."""


def worker_name() -> str:
    """Return the name of this process, such as ``studio/1f0c5e2a-4026531836/4711/88213``."""
    return f"{_machine()}/{os.getpid()}/{_start_time(os.getpid()) or 0}"


def is_gone(worker: str) -> bool:
    """Say whether a worker has certainly ended; False for workers of other machines."""
    if not is_local(worker):
        return _before_restart(worker)
    _, pid, process = worker.rsplit("/", 2)
    begun = _start_time(int(pid))
    if begun is not None:
        return begun != int(process)
    return not _exists(int(pid))


def is_local(worker: str) -> bool:
    """Say whether a worker's process number counts here, so that `is_gone` knows for certain."""
    machine, _, process = worker.rpartition("/")
    machine, _, pid = machine.rpartition("/")
    return machine == _machine() and pid.isdecimal() and process.isdecimal()


def _before_restart(worker: str) -> bool:
    """Say whether a worker ran on this host before the system was last started.

    Another space of process numbers tells nothing: it may be another container, and alive.
    """
    parts = worker.rsplit("/", 3)
    if len(parts) != _PARTS:
        return False
    host, _, here = _machine().rpartition("/")
    return parts[0] == host and parts[1].partition("-")[0] != here.partition("-")[0]


def _machine() -> str:
    """Name the machine since its last start, and the process numbers that count on it."""
    boot = Path("/proc/sys/kernel/random/boot_id")
    numbers = Path("/proc/self/ns/pid")
    since = boot.read_text().strip()[:8] if boot.exists() else "0"
    return f"{socket.gethostname()}/{since}-{numbers.stat().st_ino if numbers.exists() else 0}"


def _start_time(pid: int) -> int | None:
    """Return when a process began, in ticks since the system did; None where that is unknown."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return None
    return int(stat.rpartition(")")[2].split()[_START_TIME])


def _exists(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True
