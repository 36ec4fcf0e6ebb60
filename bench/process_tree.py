"""Runs a command and measures the whole tree of processes it starts."""

from __future__ import annotations

import ctypes
import os
import resource
import subprocess
import threading
import time
from dataclasses import dataclass
from pathlib import Path

PR_SET_CHILD_SUBREAPER = 36
SAMPLE_S = 0.05


@dataclass(frozen=True)
class TreeUse:
    """What a tree of processes used.

    Attributes
    ----------
    status : int
        Exit status of the first process.
    wall_s, cpu_s : float
        Seconds on the clock, and of all processor cores together, ended children included.
    peak_rss_mb, peak_pss_mb : float
        Highest sum over the processes alive at one moment. Resident pages that several processes
        share (Python, NumPy) count once for each in the first and once in all in the second.
    largest : dict of str to float
        Peak resident MiB of each process by its command, to see who needs it.
    busiest : dict of str to float
        Processor seconds by command, as far as they could be seen in passing.
    """

    status: int
    wall_s: float
    cpu_s: float
    peak_rss_mb: float
    peak_pss_mb: float
    largest: dict[str, float]
    busiest: dict[str, float]


def run_measured(command: list[str], environment: dict[str, str], output: Path) -> TreeUse:
    """Run `command` to its end, its standard output into the file `output`.

    Orphans of the tree are inherited and waited for, so that no second of theirs is lost.
    """
    ctypes.CDLL(None, use_errno=True).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    begun = time.perf_counter()
    with output.open("wb") as out:
        process = subprocess.Popen(command, env=environment, stdout=out)
        sampler = _Sampler(process.pid)
        sampler.start()
        status = process.wait()
        wall = time.perf_counter() - begun
        sampler.stop()
    _wait_for_orphans()
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return TreeUse(
        status,
        wall,
        cpu,
        sampler.peak_rss / 2**20,
        sampler.peak_pss / 2**20,
        sampler.largest,
        sampler.busiest,
    )


def _wait_for_orphans() -> None:
    while True:
        try:
            os.waitpid(-1, 0)
        except ChildProcessError:
            return


class _Sampler(threading.Thread):
    def __init__(self, root: int) -> None:
        super().__init__(daemon=True)
        self._root = root
        self._done = threading.Event()
        self.peak_rss = self.peak_pss = 0.0
        self.largest: dict[str, float] = {}
        self.busiest: dict[str, float] = {}

    def stop(self) -> None:
        self._done.set()
        self.join()

    def run(self) -> None:
        seconds: dict[tuple[str, int], float] = {}
        while not self._done.wait(SAMPLE_S):
            rss = pss = 0.0
            for pid in (self._root, *_descendants(self._root)):
                memory = _memory(pid)
                rss += memory[0]
                pss += memory[1]
                name = _name(pid)
                seconds[name, pid] = _cpu_seconds(pid) or seconds.get((name, pid), 0.0)
                self.largest[name] = max(self.largest.get(name, 0.0), memory[0] / 2**20)
            self.peak_rss = max(self.peak_rss, rss)
            self.peak_pss = max(self.peak_pss, pss)
        for (name, _), spent in seconds.items():
            self.busiest[name] = self.busiest.get(name, 0.0) + spent


def _descendants(pid: int) -> list[int]:
    found = []
    for task in Path(f"/proc/{pid}/task").glob("*/children"):
        try:
            below = [int(child) for child in task.read_text().split()]
        except OSError:
            continue  # the thread ended
        for child in below:
            found += [child, *_descendants(child)]
    return found


def _memory(pid: int) -> tuple[float, float]:
    """Return resident and proportional bytes of a process, 0 when it is gone."""
    values = {"Rss:": 0.0, "Pss:": 0.0}
    try:
        for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
            name, *rest = line.split()
            if name in values:
                values[name] = float(rest[0]) * 1024
    except (OSError, IndexError):
        return 0.0, 0.0
    return values["Rss:"], values["Pss:"]


def _cpu_seconds(pid: int) -> float:
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return 0.0
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def _name(pid: int) -> str:
    try:
        words = Path(f"/proc/{pid}/cmdline").read_bytes().decode(errors="replace").split("\0")
    except OSError:
        return "?"
    modules = [words[at + 1] for at, word in enumerate(words[:-1]) if word in ("-m", "-c")]
    return modules[0][:60] if modules else Path(words[0]).name
