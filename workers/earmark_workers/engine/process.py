"""One worker process as the pool sees it, and the files it holds."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import tempfile
from collections.abc import Collection
from dataclasses import dataclass, field
from multiprocessing.connection import Connection
from typing import IO

import structlog

from earmark_workers.engine.environment import ENVIRONMENT
from earmark_workers.engine.messages import Setup, ToWorker
from earmark_workers.engine.parts import WHOLE, Part

log = structlog.get_logger(__name__)


@dataclass
class Task:
    """A file, with the classifiers that have not answered yet.

    `asked` are those the process that holds it works on: all of them, or one where the file is
    suspected of killing its worker, so that it shows whose fault it is.
    """

    id: int
    path: str
    size: int
    waiting: tuple[str, ...]
    part: Part = WHOLE
    asked: tuple[str, ...] = ()
    crashes: int = 0

    def settle(self, classifiers: Collection[str]) -> None:
        """Take note that these need no more."""
        self.waiting = tuple(one for one in self.waiting if one not in classifiers)
        self.asked = tuple(one for one in self.asked if one not in classifiers)


@dataclass(eq=False)
class Process:
    """A worker process that runs, or has just died.

    Attributes
    ----------
    errors : file
        What it writes to standard error.
    tasks : dict
        What it holds, by task number.
    ready : bool
        Whether its classifiers are loaded.
    solo : bool
        Holds one file that is suspected of having killed a worker, and gets no other.
    """

    popen: subprocess.Popen[bytes]
    connection: Connection
    errors: IO[bytes]
    tasks: dict[int, Task] = field(default_factory=dict)
    ready: bool = False
    solo: bool = False

    @property
    def load(self) -> int:
        """Bytes of the files it holds."""
        return sum(task.size for task in self.tasks.values())

    def send(self, message: ToWorker) -> None:
        """Tell it something; a dead worker is noticed when its messages are read."""
        try:
            self.connection.send(message)
        except OSError:
            log.debug("worker_gone", pid=self.popen.pid)

    def bury(self) -> tuple[int, str]:
        """Wait for its end; return its exit status and the end of what it wrote to stderr."""
        self.connection.close()
        status = self.popen.wait()
        self.errors.seek(0)
        said = self.errors.read()[-2000:].decode(errors="replace").strip()
        self.errors.close()
        return status, said


def start_process(setup: Setup) -> Process:
    """Start a worker: a fresh interpreter, connected by a socket pair."""
    ours, theirs = socket.socketpair()
    errors = tempfile.TemporaryFile()  # noqa: SIM115 - closed when the process is buried
    with ours, theirs:
        popen = subprocess.Popen(  # noqa: S603 - this very interpreter
            [sys.executable, "-m", "earmark_workers.engine.child", str(theirs.fileno())],
            pass_fds=[theirs.fileno()],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=errors,
            env={**os.environ, **ENVIRONMENT},
            # Ctrl-C is for the parent to act on; workers end when it hangs up.
            process_group=0,
        )
        process = Process(popen, Connection(ours.detach()), errors)
    process.send(setup)
    return process
