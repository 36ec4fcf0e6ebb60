"""Names of working processes, from which anybody on the same machine can tell the dead.

A name holds host, machine, start of the system with its process number space, process number and
the time the process began: a later process with the same number is another worker, and so is one
of another machine that happens to have the same host name.
"""

from __future__ import annotations

import os
import re
import socket
from functools import cache
from pathlib import Path

_START_TIME = 19
"""Position of ``starttime`` after the command in ``/proc/PID/stat`` (proc(5), field 22)."""

_PARTS = 5
"""Of a name: host, machine, system start with number space, process number, process start."""

_FIRST_NUMBERS = 0xEFFFFFFC
"""Inode of the machine's own process number space (``PROC_PID_INIT_INO`` in Linux)."""

_CONTAINER = re.compile(r"(?:/containers/|/docker/|docker-|libpod-|cri-containerd-)([0-9a-f]{64})")
"""Docker, Podman and containerd name the container in the paths of its mounts or its group."""

UNKNOWN = "-"
"""For a machine of which nothing is known that no other machine can have."""


def worker_name() -> str:
    """Return the name of this process: ``studio/5e1b0c2d4f6a/1f0c5e2a-4026531836/4711/88213``."""
    return f"{_system()}/{os.getpid()}/{_start_time(os.getpid()) or 0}"


def is_gone(worker: str) -> bool:
    """Say whether a worker has certainly ended; False for workers of other machines."""
    if not is_local(worker):
        return _before_restart(worker, _system())
    _, pid, process = worker.rsplit("/", 2)
    begun = _start_time(int(pid))
    if begun is not None:
        return begun != int(process)
    return not _exists(int(pid))


def is_local(worker: str) -> bool:
    """Say whether a worker's process number counts here, so that `is_gone` knows for certain."""
    system, _, process = worker.rpartition("/")
    system, _, pid = system.rpartition("/")
    return system == _system() and pid.isdecimal() and process.isdecimal()


def _before_restart(worker: str, system: str) -> bool:
    """Say whether a worker ran on this machine, or in this container, before its last start.

    Host names are not unique, so the machine must be known to be the same one. Where it is not,
    only the end of the lease tells.
    """
    parts = worker.rsplit("/", _PARTS - 1)
    if len(parts) != _PARTS:
        return False
    host, machine, since = system.rsplit("/", 2)
    return parts[:2] == [host, machine] and machine != UNKNOWN and parts[2] != since


@cache
def _system() -> str:
    """Name the machine since its last start, and the process numbers that count on it."""
    numbers = Path("/proc/self/ns/pid")
    space = numbers.stat().st_ino if numbers.exists() else 0
    boot = _read("/proc/sys/kernel/random/boot_id").partition("-")[0] or "0"
    machine = machine_of(
        own_numbers=space == _FIRST_NUMBERS,
        machine_id=_read("/etc/machine-id"),
        mounts=_read("/proc/self/mountinfo") + _read("/proc/self/cgroup"),
    )
    return f"{socket.gethostname()}/{machine}/{boot}-{space}"


def machine_of(*, own_numbers: bool, machine_id: str, mounts: str) -> str:
    """Return what tells this machine or container from all others, or `UNKNOWN`.

    Parameters
    ----------
    own_numbers : bool
        Whether process numbers are those of the machine itself. Those of a container are not,
        and its machine number is that of its image: many containers have the same one.
    machine_id : str
        Content of ``/etc/machine-id``; empty or ``uninitialized`` where none was made.
    mounts : str
        Content of ``/proc/self/mountinfo`` and ``/proc/self/cgroup``.
    """
    container = _CONTAINER.search(mounts)
    if not own_numbers:
        return container.group(1)[:12] if container else UNKNOWN
    return machine_id[:12] if re.fullmatch(r"[0-9a-f]{32}", machine_id) else UNKNOWN


def _read(path: str) -> str:
    """Return a text of the system; empty where it has none."""
    try:
        return Path(path).read_text().strip()
    except OSError:
        return ""


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
