"""Worker processes seen from the process that owns the database.

Starts them, feeds them, hears from them, and notices when one dies. Never forks after torch:
a worker is a fresh interpreter connected by a socket pair. Nothing here polls.
"""

from __future__ import annotations

import socket
from collections import deque
from collections.abc import Collection, Sequence
from multiprocessing.connection import wait

import structlog

from earmark.core.errors import EarmarkError
from earmark_workers.engine.messages import (
    Advanced,
    Classified,
    ClassifyFile,
    Failed,
    FromWorker,
    Identified,
    IdentifiedFiles,
    LoadFailed,
    Ready,
    Setup,
    StartFailed,
    Verdict,
)
from earmark_workers.engine.parts import WHOLE, Part
from earmark_workers.engine.process import Process, Task, start_process
from earmark_workers.engine.watched import SIGNAL

log = structlog.get_logger(__name__)

MAX_CRASHES = 2
"""A file that was alone in its worker when it died fails after so many deaths."""

MAX_FAILED_STARTS = 3
"""So many workers in a row that die before they are ready end the run."""

HUNG = "classifier_hung"
"""Code where a classifier did not come back within its time, and its worker was ended for it."""

Event = Identified | Advanced | Classified | Failed | LoadFailed


class EngineError(EarmarkError):
    """The workers cannot work at all; no file is to blame."""

    def __init__(self, message: str, *, code: str) -> None:
        super().__init__(message)
        self.code = code


class WorkerPool:
    """A fixed number of worker processes.

    Parameters
    ----------
    setup : Setup
        Sent to every worker when it starts.
    size : int
        Number of processes; they start with the first files.
    files_ahead, bytes_ahead : int
        What one worker may hold at once. Enough short files to fill batches, but not so many
        long ones that another worker runs dry.
    """

    def __init__(
        self,
        setup: Setup,
        size: int,
        *,
        files_ahead: int = 64,
        bytes_ahead: int = 64 << 20,
    ) -> None:
        self._setup = setup
        self.size = size
        self._files_ahead = files_ahead
        self._bytes_ahead = bytes_ahead
        self._processes: list[Process] = []
        self._suspects: deque[Task] = deque()
        self._failed_starts = 0
        self._unusable: set[str] = set()

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

    def submit(
        self,
        task: int,
        path: str,
        size: int,
        classifiers: Sequence[str],
        *,
        alone: bool = False,
        part: Part = WHOLE,
    ) -> None:
        """Hand a file of `size` bytes to the least loaded worker; starts one if fewer run.

        What comes of it are events with this task number: `Classified` or `Failed` for each of
        the `classifiers` (identities), or one `Failed` without a classifier for all the rest.

        A file that is suspected of killing its worker goes `alone`: nothing else is lost with it.
        """
        file = Task(task, path, size, tuple(classifiers), part)
        if alone:
            self._suspects.append(file)
            self._assign_suspects()
        else:
            self._assign(file)

    def answer(self, task: int, *, proceed: Collection[str]) -> None:
        """Answer an `Identified` event: which of its classifiers shall hear the file."""
        for process in self._processes:
            held = process.tasks.get(task)
            if held is not None:
                asked = tuple(one for one in held.asked if one in proceed)
                process.send(Verdict(task, asked))
                self._settle(process, held, set(held.asked) - set(asked))
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
            process.bury()
        self._processes.clear()
        self._suspects.clear()

    def _takes_more(self, process: Process) -> bool:
        if process.solo:
            return False
        if len(process.tasks) < 2:
            return True
        return len(process.tasks) < self._files_ahead and process.load < self._bytes_ahead

    def _assign(self, task: Task, *, solo: bool = False) -> None:
        idle = [p for p in self._processes if not p.tasks]
        if not idle and len(self._processes) < self.size:
            idle = [self._start()]
        candidates = idle or [p for p in self._processes if not p.solo]
        process = min(candidates, key=lambda p: (p.load, len(p.tasks)))
        task.asked = task.waiting[:1] if solo else task.waiting
        process.tasks[task.id] = task
        process.solo = solo
        process.send(ClassifyFile(task.id, task.path, task.size, task.asked, task.part))

    def _assign_suspects(self) -> None:
        while self._suspects and (
            len(self._processes) < self.size or any(not p.tasks for p in self._processes)
        ):
            self._assign(self._suspects.popleft(), solo=True)

    def _settle(self, process: Process, task: Task, classifiers: Collection[str]) -> None:
        """Note what needs no more work; a file of which nothing is left leaves its process."""
        task.settle(classifiers)
        if task.asked:
            return
        del process.tasks[task.id]
        if not process.tasks:
            process.solo = False
        if task.waiting:  # it was alone with one classifier; the next one gets it alone, too
            task.crashes = 0
            self._suspects.append(task)

    def _hear(self, process: Process) -> list[Event]:
        """Read everything a worker has said, and bury it if it is dead."""
        events: list[Event] = []
        try:
            while process.connection.poll():
                message: FromWorker = process.connection.recv()
                events += self._take(process, message)
        except (EOFError, ConnectionResetError):
            events += self._bury(process)
        return events

    def _take(self, process: Process, message: FromWorker) -> Sequence[Event]:
        if isinstance(message, Ready):
            process.ready, self._failed_starts = True, 0
            return ()
        if isinstance(message, StartFailed):
            raise EngineError(message.message, code=message.code)
        if isinstance(message, IdentifiedFiles):
            return message.files
        if isinstance(message, LoadFailed):  # every worker says so; once is enough
            known = message.classifier in self._unusable
            self._unusable.add(message.classifier)
            return () if known else (message,)
        if isinstance(message, Classified | Failed):
            task = process.tasks.get(message.task)
            if task is not None:
                done = (message.classifier,) if message.classifier else task.waiting
                self._settle(process, task, done)
        return (message,)

    def _bury(self, process: Process) -> list[Event]:
        """Take a dead worker's files back; those that keep killing it fail."""
        self._processes.remove(process)
        status, said = process.bury()
        hung = status == -SIGNAL
        files = len(process.tasks)
        log.warning("worker_died", pid=process.popen.pid, status=status, files=files, said=said)
        if not process.ready:
            self._require_starts(status, said, hung=hung)
        return [
            event
            for task in process.tasks.values()
            for event in self._suspect(task, process, hung=hung)
        ]

    def _require_starts(self, status: int, said: str, *, hung: bool) -> None:
        """Raise if no worker gets as far as hearing anything."""
        if hung:  # no file has anything to do with it, and the next one would take as long
            raise EngineError(f"a classifier did not end loading; it was at: {said}", code=HUNG)
        self._failed_starts += 1
        if self._failed_starts >= MAX_FAILED_STARTS:
            raise EngineError(
                f"worker processes die as soon as they start (status {status}): {said}",
                code="worker_start_failed",
            )

    def _suspect(self, task: Task, process: Process, *, hung: bool) -> Sequence[Failed]:
        """Try a dead worker's file alone, or give up the classifier that keeps dying of it."""
        task.crashes += process.solo
        failed: Sequence[Failed] = ()
        # Alone is whoever was there when a worker died before: for a classifier that hangs, which
        # costs minutes each time, that is twice.
        if task.crashes >= MAX_CRASHES or (hung and process.solo):
            code, reason = _why(task, hung=hung)
            # Decoders have a process of their own: it was the classifier that crashed.
            failed = [
                Failed(task.id, one, code, reason, retryable=True, file_fault=False)
                for one in task.asked
            ]
            task.settle(task.asked)
            task.crashes = 0
        if task.waiting:
            self._suspects.append(task)
        return failed

    def _start(self) -> Process:
        process = start_process(self._setup)
        self._processes.append(process)
        return process


def _why(task: Task, *, hung: bool) -> tuple[str, str]:
    """Say in a code and in words why the classifier of a file is given up."""
    if hung:
        return HUNG, (
            "The classifier did not come back from this sound in time, nor when it was tried "
            "alone; its process was ended. Tell its authors; the log says where it was."
        )
    return "worker_died", f"classifying it ended the worker process {task.crashes} times"
