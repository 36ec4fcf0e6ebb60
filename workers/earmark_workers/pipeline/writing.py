"""Tags into files: plan, record the intention, write, record the outcome.

Planning and writing are file work and happen in threads; every row is written by the thread that
owns the database. The undo record is stored before a file is touched, so a process that dies
in between leaves no doubt about what it did (`earmark_workers.pipeline.recovery`).
"""

from __future__ import annotations

import math
import time
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import partial
from queue import Empty, SimpleQueue

import structlog
from django.db import transaction

from earmark.library.services import lock_files
from earmark.writeback.models import TagWrite
from earmark.writeback.services import WriteIntent, WriteOutcome, begin_writes, record_writes
from earmark_files.errors import AudioFileError
from earmark_files.metadata.render import plan_as_json, plan_as_text
from earmark_files.paths import path_to_text
from earmark_workers.pipeline.file_writes import (
    FileState,
    Planned,
    WriteOrder,
    plan_file,
    write_file,
)

log = structlog.get_logger(__name__)

AHEAD = 16
BYTES_AHEAD = 64 << 20
"""So many files for each thread, of so many bytes together, are on their way at once."""

TOGETHER = 8
RECORD_AFTER_S = 0.5
"""What is ready is recorded when it is so many files for each thread, or has waited so long: one
by one would cost far more."""

REFUSALS = frozenset(
    {
        "malformed_file",
        "truncated",
        "unsupported_structure",
        "unsupported_format",
        "needs_rf64",
        "too_large",
        "not_audio",
        "invalid_tag",
    }
)
"""Reasons that lie in the file's own bytes: not tried again until it changes."""


@dataclass(frozen=True)
class Written:
    """What became of an order.

    Attributes
    ----------
    order : WriteOrder
    code, message : str
        Why the tags are not in the file; empty if they are.
    diff : str
        In a dry run, what would change.
    """

    order: WriteOrder
    code: str = ""
    message: str = ""
    diff: str = ""


@dataclass(eq=False)
class _Work:
    order: WriteOrder
    planning: Future[Planned]
    row: TagWrite | None = None
    applying: Future[FileState] | None = None


@dataclass
class Writing:
    """Orders on their way into files.

    Parameters
    ----------
    threads : int
        Files written at once.
    dry_run : bool
        Plan only; neither file nor database is touched.
    ring : callable
        Called from a thread whenever `step` has something to do.
    rest_s : float
        A file that has changed since its audio was read is written into when it has not been
        touched for so many seconds.
    """

    threads: int
    dry_run: bool
    ring: Callable[[], None]
    rest_s: float = 0.0
    _waiting: deque[WriteOrder] = field(default_factory=deque)
    _working: int = 0
    _bytes: int = 0
    _since: float = math.inf  # when the oldest of what is ready was

    def __post_init__(self) -> None:
        self._executor = ThreadPoolExecutor(self.threads, thread_name_prefix="write")
        self._ready: SimpleQueue[_Work] = SimpleQueue()

    @property
    def busy(self) -> bool:
        """Whether any order is unfinished."""
        return bool(self._waiting or self._working)

    def add(self, orders: Sequence[WriteOrder]) -> None:
        """Take orders; they begin with the next `step`."""
        self._waiting.extend(orders)

    def step(self) -> list[Written]:
        """Record what the threads have done and give them more; return finished orders."""
        planned, applied = self._collect() if self._is_due() else ([], [])
        if self.dry_run:
            done = [self._finish_dry(work) for work in planned]
        else:
            done = self._store(planned, applied)
            # The intentions are in the database now: files may be touched.
            self._apply([work for work in planned if work.row is not None])
        self._plan(self._take_waiting())
        return done

    def stop(self) -> list[Written]:
        """Drop what has not begun, let begun writes end, and record them."""
        self._waiting.clear()
        self._executor.shutdown(wait=True)
        _, applied = self._collect()
        return self._store([], applied)

    def close(self) -> None:
        """End the threads."""
        self._executor.shutdown(wait=True, cancel_futures=True)

    def _apply(self, works: Sequence[_Work]) -> None:
        self._count(work.order for work in works)
        for work in works:
            work.applying = self._executor.submit(write_file, work.order, work.planning.result())
            work.applying.add_done_callback(partial(self._announce, work))

    def _plan(self, orders: Sequence[WriteOrder]) -> None:
        for order in orders:
            work = _Work(order, self._executor.submit(plan_file, order, self.rest_s))
            work.planning.add_done_callback(partial(self._announce, work))

    def _take_waiting(self) -> list[WriteOrder]:
        """Return as many orders as may be on their way with the others."""
        taken = []
        while self._waiting and self._has_room(self._waiting[0]):
            order = self._waiting.popleft()
            self._count([order])
            taken.append(order)
        return taken

    def _has_room(self, order: WriteOrder) -> bool:
        """Say whether one more may be on its way: a stop waits for all of them."""
        if self._working < 2 * self.threads:
            return True
        return self._working < AHEAD * self.threads and self._bytes + order.size < BYTES_AHEAD

    def _count(self, orders: Iterable[WriteOrder]) -> None:
        """Count orders before the first of them is ready: else it would be all there is."""
        for order in orders:
            self._working += 1
            self._bytes += order.size

    def _announce(self, work: _Work, _: object) -> None:
        """Take note of what is ready, in a thread."""
        if self._ready.empty():
            self._since = time.monotonic()
        self._ready.put(work)
        if self._is_due():
            self.ring()

    def _is_due(self) -> bool:
        """Say whether what is ready is worth a transaction, or has waited for one."""
        ready = self._ready.qsize()
        enough = min(TOGETHER * self.threads, self._working)
        return ready >= enough or time.monotonic() >= self._since + RECORD_AFTER_S

    def _collect(self) -> tuple[list[_Work], list[_Work]]:
        """Return the work whose plan is ready, and the work that has been written."""
        planned: list[_Work] = []
        applied: list[_Work] = []
        while True:
            try:
                work = self._ready.get_nowait()
            except Empty:
                return planned, applied
            self._working -= 1
            self._bytes -= work.order.size
            (planned if work.applying is None else applied).append(work)

    def _finish_dry(self, work: _Work) -> Written:
        error = _error(work.planning, work.order)
        if error is not None:
            return Written(work.order, error.code, error.message)
        plan = work.planning.result().plan
        return Written(work.order, diff="" if plan.is_noop else plan_as_text(plan))

    def _store(self, planned: Sequence[_Work], applied: Sequence[_Work]) -> list[Written]:
        """Record outcomes and intentions, all in a few statements; return finished orders."""
        if not planned and not applied:
            return []
        with transaction.atomic():
            _lock([*applied, *planned])
            begun = begin_writes(intents=[_intent(work) for work in planned])
            for work, row in zip(planned, begun, strict=True):
                work.row = row
            ended = {work: told for work in (*applied, *planned) if (told := _outcome(work))}
            record_writes(outcomes={work.row.pk: told for work, told in ended.items() if work.row})
        for work in ended:
            work.row = None  # there is nothing left to do for it
        return [Written(work.order, told.code, told.message) for work, told in ended.items()]


def _intent(work: _Work) -> WriteIntent:
    """Describe the write that was planned, or the attempt to plan it."""
    order = work.order
    if work.planning.exception() is not None:
        return WriteIntent(order.file_id, order.tags_key, plan={})
    plan = work.planning.result().plan
    return WriteIntent(
        order.file_id,
        order.tags_key,
        plan=plan_as_json(plan),
        target=path_to_text(plan.target) if plan.container == "sidecar" else "",
        undo=None if plan.is_noop else plan.undo.to_json(),
    )


def _outcome(work: _Work) -> WriteOutcome | None:
    """Return what became of a write; None where the file is still to be touched."""
    error = _error(work.applying or work.planning, work.order)
    if error is not None:
        return _failure(work.order, error)
    if work.applying is not None:
        return WriteOutcome(TagWrite.State.WRITTEN, *work.applying.result())
    planned = work.planning.result()
    if planned.plan.is_noop:
        return WriteOutcome(TagWrite.State.UNCHANGED, *planned.state)
    return None


def _failure(order: WriteOrder, error: AudioFileError) -> WriteOutcome:
    refused = error.code in REFUSALS
    return WriteOutcome(
        TagWrite.State.REFUSED if refused else TagWrite.State.FAILED,
        # A refusal holds for this state of the file only.
        size=order.size if refused else None,
        mtime_ns=order.mtime_ns if refused else None,
        code=error.code,
        message=error.message,
    )


def _lock(works: Sequence[_Work]) -> None:
    """Take all rows at first, as who derives tags does: then nobody waits in a circle."""
    lock_files(file_ids=[work.order.file_id for work in works])


def _error(future: Future[Planned] | Future[FileState], order: WriteOrder) -> AudioFileError | None:
    """Return why a thread has failed; one file's trouble must not stop the others."""
    error = future.exception()
    if error is None or isinstance(error, AudioFileError):
        return error
    log.error("write_crashed", file=order.file_id, exc_info=error)
    return AudioFileError(
        f"An unexpected fault of Earmark kept the tags out of the file ({error!r}); please "
        "report it. The log has the details.",
        code="internal_error",
    )
