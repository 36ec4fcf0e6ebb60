"""The workers of a chaos run: some under another host name, some under a clock that jumps."""

from __future__ import annotations

import random
import shutil
import signal
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from tests.celery_harness import Site
from tests.tag_harness import REPOSITORY, descendants, kill

FAR = ("unshare", "--uts", "sh", "-c", 'hostname far-away && exec "$@"', "sh")
"""What makes a worker one of another machine: leases go by the host name in its name."""

_FAKETIME = "/usr/lib/*/faketime/libfaketimeMT.so.1"

_SITE = '''
"""Loaded by every process of a chaos run: see tests/chaos/fleet.py."""
import os, sys
if "celery" in sys.orig_argv:
    # Slices are longer: their messages are delivered again while they are being worked on.
    import earmark.settings.queues
    earmark.settings.queues.VISIBILITY_S = 2
if "FAKETIME_TIMESTAMP_FILE" in os.environ:
    # Python sleeps with clock_nanosleep, which libfaketime breaks (its issue 426).
    import select, time
    time.sleep = lambda seconds: select.select((), (), (), seconds)
if "earmark_files.guard" in sys.orig_argv:
    import earmark_files.guard.child as child
    import hostile_decoder
    child.main = lambda: child.serve(hostile_decoder.open_stream, hostile_decoder.identify)
'''


@dataclass
class Member:
    """A worker, or the clock."""

    queues: tuple[str, ...]
    far: bool = False
    jumps: bool = False
    process: subprocess.Popen[bytes] | None = None


@dataclass
class Fleet:
    """Keeps workers running whatever happens to them."""

    site: Site
    members: list[Member]
    clock_file: Path
    started: int = 0
    _faketime: str = field(init=False)

    def __post_init__(self) -> None:
        found = sorted(Path("/").glob(_FAKETIME.lstrip("/")))
        if not found:
            raise SystemExit("The chaos test needs libfaketime: apt-get install faketime")
        self._faketime = str(found[0])
        self.set_clock(0)
        prepare_plugins(self.site.plugins)

    def start_missing(self) -> None:
        """Start whoever does not run."""
        for member in self.members:
            if member.process is None or member.process.poll() is not None:
                member.process = self._start(member)
                self.started += 1

    def kill_one(self, chance: random.Random) -> str:
        """End a worker, or the clock, with SIGKILL; it is started again."""
        member = chance.choice(self.members)
        assert member.process is not None
        member.process.kill()
        member.process.wait()
        self.start_missing()
        return ", ".join(member.queues) or "clock"

    def kill_engine(self, chance: random.Random) -> str:
        """End an engine process of a worker."""
        found = [
            pid
            for member in self.members
            if member.process is not None
            for pid in descendants(member.process.pid)
            if "earmark_workers.engine.child" in _command(pid)
        ]
        if not found:
            return "none was running"
        pid = chance.choice(found)
        kill(pid)
        return str(pid)

    def set_clock(self, seconds: int) -> None:
        """Let the clock of those who have one of their own jump."""
        self.clock_file.write_text(f"{seconds:+}\n")

    def stop(self) -> None:
        """End all in good order."""
        running = [m.process for m in self.members if m.process is not None]
        for process in running:
            process.send_signal(signal.SIGTERM)
        for process in running:
            process.wait(60)

    def _start(self, member: Member) -> subprocess.Popen[bytes]:
        extra = self._own_clock() if member.jumps else {}
        prefix: Sequence[str] = FAR if member.far else ()
        if not member.queues:
            return self.site.start_clock(prefix=prefix, **extra)
        return self.site.start_worker(*member.queues, prefix=prefix, **extra)

    def _own_clock(self) -> dict[str, str]:
        return {
            "LD_PRELOAD": self._faketime,
            "FAKETIME_TIMESTAMP_FILE": str(self.clock_file),
            "FAKETIME_CACHE_DURATION": "1",
            "FAKETIME_DONT_FAKE_MONOTONIC": "1",
            "NO_FAKE_STAT": "1",  # the times of files are those of the volume
        }


def prepare_plugins(folder: Path) -> None:
    """Let decoders misbehave at the names of `tests.hostile_decoder`, wherever they run."""
    shutil.copy(REPOSITORY / "tests" / "hostile_decoder.py", folder)
    (folder / "sitecustomize.py").write_text(_SITE)


def _command(pid: int) -> str:
    try:
        return Path(f"/proc/{pid}/cmdline").read_text().replace("\0", " ")
    except OSError:
        return ""
