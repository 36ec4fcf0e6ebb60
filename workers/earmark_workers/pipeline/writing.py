"""Tags into files: plan, record the intention, write, record the outcome.

Planning and writing are file work and happen in threads; every row is written by the thread that
owns the database. The undo record is stored before a file is touched, so a process that dies
in between leaves no doubt about what it did (`earmark_workers.pipeline.recovery`).
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from queue import Empty, SimpleQueue
from typing import TypeVar

import structlog
from django.db import transaction

from earmark.tagging.services.deriving import lock_files
from earmark.writeback.models import TagWrite
from earmark.writeback.services import WriteOutcome, begin_write, record_write
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

_T = TypeVar("_T")

log = structlog.get_logger(__name__)

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


@dataclass
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
        planned, applied = self._collect()
        if self.dry_run:
            done = [self._finish_dry(work) for work in planned]
        elif planned or applied:
            with transaction.atomic():
                _lock([*applied, *planned])
                done = [self._record(work) for work in applied]
                done += [written for work in planned if (written := self._begin(work))]
            # The intentions are in the database now: files may be touched.
            for work in planned:
                if work.row is not None:
                    work.applying = self._executor.submit(
                        write_file, work.order, _value(work.planning)
                    )
                    self._follow(work, work.applying)
        else:
            done = []
        while self._waiting and self._working < 2 * self.threads:
            order = self._waiting.popleft()
            work = _Work(order, self._executor.submit(plan_file, order, self.rest_s))
            self._follow(work, work.planning)
        return done

    def stop(self) -> list[Written]:
        """Drop what has not begun, let begun writes end, and record them."""
        self._waiting.clear()
        self._executor.shutdown(wait=True)
        _, applied = self._collect()
        with transaction.atomic():
            _lock(applied)
            return [self._record(work) for work in applied]

    def close(self) -> None:
        """End the threads."""
        self._executor.shutdown(wait=True, cancel_futures=True)

    def _follow(self, work: _Work, future: Future[Planned] | Future[FileState]) -> None:
        self._working += 1
        future.add_done_callback(lambda _: self._announce(work))

    def _announce(self, work: _Work) -> None:
        self._ready.put(work)
        self.ring()

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
            (planned if work.applying is None else applied).append(work)

    def _finish_dry(self, work: _Work) -> Written:
        error = _error(work.planning, work.order)
        if error is not None:
            return Written(work.order, error.code, error.message)
        plan = _value(work.planning).plan
        return Written(work.order, diff="" if plan.is_noop else plan_as_text(plan))

    def _begin(self, work: _Work) -> Written | None:
        """Record the intention; the end of the order if there is nothing to write."""
        order = work.order
        error = _error(work.planning, work.order)
        if error is not None:
            row = begin_write(file_id=order.file_id, tags_key=order.tags_key, plan={})
            return self._record_failure(order, row, error)
        planned = _value(work.planning)
        plan = planned.plan
        row = begin_write(
            file_id=order.file_id,
            tags_key=order.tags_key,
            plan=plan_as_json(plan),
            target=path_to_text(plan.target) if plan.container == "sidecar" else "",
            undo=None if plan.is_noop else plan.undo.to_json(),
        )
        if plan.is_noop:
            outcome = WriteOutcome(TagWrite.State.UNCHANGED, *planned.state)
            record_write(write_id=row.pk, outcome=outcome)
            return Written(order)
        work.row = row
        return None

    def _record(self, work: _Work) -> Written:
        assert work.row is not None
        assert work.applying is not None
        error = _error(work.applying, work.order)
        if error is not None:
            return self._record_failure(work.order, work.row, error)
        outcome = WriteOutcome(TagWrite.State.WRITTEN, *_value(work.applying))
        record_write(write_id=work.row.pk, outcome=outcome)
        return Written(work.order)

    def _record_failure(self, order: WriteOrder, row: TagWrite, error: AudioFileError) -> Written:
        refused = error.code in REFUSALS
        state = TagWrite.State.REFUSED if refused else TagWrite.State.FAILED
        outcome = WriteOutcome(
            state,
            # A refusal holds for this state of the file only.
            size=order.size if refused else None,
            mtime_ns=order.mtime_ns if refused else None,
            code=error.code,
            message=error.message,
        )
        record_write(write_id=row.pk, outcome=outcome)
        return Written(order, error.code, error.message)


def _lock(works: Sequence[_Work]) -> None:
    """Take all rows at first, as who derives tags does: then nobody waits in a circle."""
    lock_files(file_ids=[work.order.file_id for work in works])


def _value(future: Future[_T]) -> _T:
    return future.result()


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
