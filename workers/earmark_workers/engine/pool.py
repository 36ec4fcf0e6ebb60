"""Worker processes seen from the process that owns the database.

Starts them, feeds them, hears from them, and notices when one dies. Never forks after torch:
a worker is a fresh interpreter connected by a socket pair. Nothing here polls.
"""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import tempfile
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field
from multiprocessing.connection import Connection, wait
from typing import IO

import structlog

from earmark.core.errors import EarmarkError
from earmark_workers.engine.environment import ENVIRONMENT
from earmark_workers.engine.messages import (
    Advanced,
    Classified,
    ClassifyFile,
    Failed,
    FromWorker,
    Identified,
    IdentifiedFiles,
    Ready,
    Setup,
    StartFailed,
    ToWorker,
    Verdict,
)

log = structlog.get_logger(__name__)

MAX_CRASHES = 2
"""A file that was alone in its worker when it died fails after so many deaths."""

MAX_FAILED_STARTS = 3
"""So many workers in a row that die before they are ready end the run."""

Event = Identified | Advanced | Classified | Failed


class EngineError(EarmarkError):
    """The workers cannot work at all; no file is to blame."""

    def __init__(self, message: str, *, code: str) -> None:
        super().__init__(message)
        self.code = code


@dataclass
class _Task:
    id: int
    path: str
    size: int
    crashes: int = 0


@dataclass(eq=False)
class _Process:
    popen: subprocess.Popen[bytes]
    connection: Connection
    errors: IO[bytes]
    tasks: dict[int, _Task] = field(default_factory=dict)
    ready: bool = False
    solo: bool = False
    """Holds one file that is suspected of having killed a worker, and gets no other."""

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


class WorkerPool:
    """A fixed number of worker processes.

    Parameters
    ----------
    setup : Setup
        Sent to every worker when it starts.
    size : int
        Number of processes; they start with the first files.
    classifier : str
        Identity the loaded classifier must have, such as ``audioset@1.0.0``.
    files_ahead, bytes_ahead : int
        What one worker may hold at once. Enough short files to fill batches, but not so many
        long ones that another worker runs dry.
    """

    def __init__(
        self,
        setup: Setup,
        size: int,
        *,
        classifier: str,
        files_ahead: int = 64,
        bytes_ahead: int = 64 << 20,
    ) -> None:
        self._setup = setup
        self._classifier = classifier
        self.size = size
        self._files_ahead = files_ahead
        self._bytes_ahead = bytes_ahead
        self._processes: list[_Process] = []
        self._suspects: deque[_Task] = deque()
        self._failed_starts = 0

    def __enter__(self) -> WorkerPool:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @property
    def busy(self) -> bool:
        """Whether any file is on its way."""
        return bool(self._suspects) or any(p.tasks for p in self._processes)

    @property
    def has_room(self) -> bool:
        """Whether `submit` may be called now."""
        if self._suspects:
            return False
        return len(self._processes) < self.size or any(map(self._takes_more, self._processes))

    def submit(self, task: int, path: str, size: int, *, alone: bool = False) -> None:
        """Hand a file of `size` bytes to the least loaded worker; starts one if fewer run.

        A file that is suspected of killing its worker goes `alone`: nothing else is lost with it.
        """
        if alone:
            self._suspects.append(_Task(task, path, size))
            self._assign_suspects()
        else:
            self._assign(_Task(task, path, size))

    def answer(self, task: int, *, proceed: bool) -> None:
        """Answer an `Identified` event; without `proceed` the file leaves the pool."""
        for process in self._processes:
            if task in process.tasks:
                if not proceed:
                    self._forget(process, task)
                process.send(Verdict(task, proceed))
        self._assign_suspects()

    def wait(self, timeout: float | None, also: Sequence[socket.socket] = ()) -> list[Event]:
        """Wait until a worker has something to say or one of the sockets `also` is readable.

        Raises
        ------
        EngineError
            If no worker can be started.
        """
        connections = {p.connection: p for p in self._processes}
        events: list[Event] = []
        for readable in wait([*connections, *also], timeout):
            process = connections.get(readable)  # type: ignore[call-overload]
            if process is not None:
                events += self._hear(process)
        self._assign_suspects()
        return events

    def close(self) -> None:
        """End all workers now; what they were doing is lost, what they said is not."""
        for process in self._processes:
            process.connection.close()
        for process in self._processes:
            process.popen.kill()
            process.popen.wait()
            process.errors.close()
        self._processes.clear()
        self._suspects.clear()

    def _takes_more(self, process: _Process) -> bool:
        if process.solo:
            return False
        if len(process.tasks) < 2:
            return True
        return len(process.tasks) < self._files_ahead and process.load < self._bytes_ahead

    def _assign(self, task: _Task, *, solo: bool = False) -> None:
        idle = [p for p in self._processes if not p.tasks]
        if not idle and len(self._processes) < self.size:
            idle = [self._start()]
        candidates = idle or [p for p in self._processes if not p.solo]
        process = min(candidates, key=lambda p: (p.load, len(p.tasks)))
        process.tasks[task.id] = task
        process.solo = solo
        process.send(ClassifyFile(task.id, task.path, task.size))

    def _assign_suspects(self) -> None:
        while self._suspects and (
            len(self._processes) < self.size or any(not p.tasks for p in self._processes)
        ):
            self._assign(self._suspects.popleft(), solo=True)

    def _forget(self, process: _Process, task: int) -> None:
        process.tasks.pop(task, None)
        if not process.tasks:
            process.solo = False

    def _hear(self, process: _Process) -> list[Event]:
        """Read everything a worker has said, and bury it if it is dead."""
        events: list[Event] = []
        try:
            while process.connection.poll():
                message: FromWorker = process.connection.recv()
                if isinstance(message, Ready):
                    self._check(message)
                    process.ready, self._failed_starts = True, 0
                elif isinstance(message, StartFailed):
                    raise EngineError(message.message, code=message.code)
                elif isinstance(message, IdentifiedFiles):
                    events += message.files
                else:
                    if isinstance(message, Classified | Failed):
                        self._forget(process, message.task)
                    events.append(message)
        except (EOFError, ConnectionResetError):
            events += self._bury(process)
        return events

    def _check(self, message: Ready) -> None:
        if message.classifier != self._classifier:
            raise EngineError(
                f"the worker loaded {message.classifier} where {self._classifier} was expected; "
                "the plugin was changed meanwhile: start again",
                code="classifier_changed",
            )

    def _bury(self, process: _Process) -> list[Event]:
        """Take a dead worker's files back; those that keep killing it fail."""
        self._processes.remove(process)
        process.connection.close()
        status = process.popen.wait()
        process.errors.seek(0)
        said = process.errors.read()[-2000:].decode(errors="replace").strip()
        process.errors.close()
        log.warning("worker_died", pid=process.popen.pid, status=status, files=len(process.tasks))
        if not process.ready:
            self._failed_starts += 1
            if self._failed_starts >= MAX_FAILED_STARTS:
                raise EngineError(
                    f"worker processes die as soon as they start (status {status}): {said}",
                    code="worker_start_failed",
                )
        events: list[Event] = []
        for task in process.tasks.values():
            task.crashes += process.solo
            if task.crashes >= MAX_CRASHES:
                reason = f"classifying it ended the worker process {task.crashes} times"
                # Decoders have a process of their own: it was the classifier that crashed.
                events.append(
                    Failed(task.id, "worker_died", reason, retryable=True, file_fault=False)
                )
            else:
                self._suspects.append(task)
        return events

    def _start(self) -> _Process:
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
            process = _Process(popen, Connection(ours.detach()), errors)
        process.send(self._setup)
        self._processes.append(process)
        return process
