"""Describes the machine a figure was measured on, for the head of every results file."""

from __future__ import annotations

import datetime
import os
import platform
from pathlib import Path


def describe_machine() -> str:
    """Return date, processor, cores, memory, system and Python as Markdown lines."""
    return "\n".join(
        (
            f"- date: {datetime.datetime.now(datetime.UTC):%Y-%m-%d %H:%M} UTC",
            f"- processor: {_processor()}, {len(os.sched_getaffinity(0))} of "
            f"{os.cpu_count()} cores, load before {os.getloadavg()[0]:.1f}",
            f"- memory: {os.sysconf('SC_PAGE_SIZE') * os.sysconf('SC_PHYS_PAGES') / 2**30:.0f} GiB",
            f"- system: {platform.system()} {platform.release()}, "
            f"Python {platform.python_version()}",
        )
    )


def _processor() -> str:
    info = Path("/proc/cpuinfo")
    if info.exists():
        for line in info.read_text().splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()
