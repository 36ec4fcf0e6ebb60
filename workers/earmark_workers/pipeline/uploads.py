"""Listens to sounds that were sent to be classified, beside whatever else this process does.

A person waits for each of them, so they have an engine process of their own and never stand
behind the files of a library. It starts with the first upload and ends when none has come for a
while.
"""

from __future__ import annotations

import itertools
import math
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from multiprocessing.connection import wait

import structlog
from django.conf import settings
from django.db import connection

from earmark.classifiers.errors import ClassifierUnavailableError
from earmark.classifiers.models import ClassifierVersion
from earmark.core.errors import EarmarkError
from earmark.uploads.models import Upload
from earmark.uploads.results import ClassifierAnswer, UploadResult, list_best
from earmark.uploads.services import (
    ClaimedUpload,
    claim_uploads,
    complete_upload,
    fail_upload,
    release_uploads,
    renew_uploads,
    sweep_uploads,
)
from earmark_workers.engine.messages import Classified, Failed, Identified, LoadFailed
from earmark_workers.engine.parts import Part
from earmark_workers.engine.pool import EngineError, Event, WorkerPool
from earmark_workers.pipeline.attempts import Attempt
from earmark_workers.pipeline.hosting import start_pool
from earmark_workers.pipeline.naming import is_gone, worker_name
from earmark_workers.pipeline.stopping import StopRequest

log = structlog.get_logger(__name__)

POLL_S = 0.2
"""How often to look for an upload: what somebody who waits notices of the queue."""

IDLE_POLL_S = 1.0
"""How often while there is no engine: to start one takes longer than that."""

SWEEP_S = 10.0
REST_S = 300.0
"""The engine ends when no upload has come for so long."""

AT_ONCE = 8
FAULT_S = 2.0


@dataclass
class _Held:
    """An upload on its way through the engine, and what came of it so far."""

    upload: ClaimedUpload
    answers: dict[str, ClassifierAnswer] = field(default_factory=dict)


class UploadDesk:
    """Takes uploads until it is asked to stop.

    Parameters
    ----------
    stop : StopRequest
        Nobody else may wait for it.
    device : str
        See `earmark_workers.pipeline.hosting.start_pool`.
    """

    def __init__(self, *, stop: StopRequest, device: str) -> None:
        self._stop = stop
        self._device = device
        self._worker = worker_name()
        self._tasks = itertools.count(1)
        self._held: dict[int, _Held] = {}
        self._hosted: dict[str, ClassifierVersion] = {}
        self._pool: WorkerPool | None = None
        self._stale = False  # a classifier of the pool could not be loaded
        self._used = self._swept = self._renewed = -math.inf
        self._attempt = Attempt("uploads", self._turn)

    def serve(self) -> None:
        """Work until asked to stop; what is unfinished then is given back."""
        try:
            while not self._stop.asked:
                self._attempt()
                if self._attempt.error is not None:
                    self._recover(self._attempt.error)
            Attempt("end of uploads", self._give_back)()
        finally:
            self._close()
            connection.close()

    def _recover(self, error: Exception) -> None:
        """Begin anew after whatever has happened; nobody would notice that the desk has ended."""
        if self._attempt.breaks:
            # Those who wait shall not wait for the ends of leases, for it may be due to a sound.
            reason = f"An unexpected fault of Earmark ({error!r}); please report."
            Attempt("failed uploads", self._fail_all)("internal_error", reason)
        # Else the database or a disk is away, and leases tell what becomes of what was held.
        self._close()
        connection.close()
        wait([self._stop.wake], FAULT_S)

    def _give_back(self) -> None:
        release_uploads(uploads=self._uploads(), worker=self._worker)

    def _turn(self) -> None:
        now = time.monotonic()
        if now - self._swept >= SWEEP_S:
            self._swept = now
            sweep()
        self._take()
        if self._held and self._pool is not None:
            try:
                self._hear(self._pool.wait(POLL_S, also=[self._stop.wake]))
            except EngineError as error:
                log.error("engine_failed", code=error.code, reason=error.message)
                self._fail_all(error.code, error.message)
                self._close()
            self._renew()
            return
        if self._pool is not None and (self._stale or now - self._used >= REST_S):
            self._close()
        wait([self._stop.wake], IDLE_POLL_S if self._pool is None else POLL_S)

    def _take(self) -> None:
        """Hand what waits to the engine, as far as it has room."""
        while len(self._held) < AT_ONCE and (self._pool is None or self._pool.has_room):
            # Another classifier needs another engine, which begins when this one has nothing left.
            hosted = self._hosted if self._held else None
            claimed = claim_uploads(worker=self._worker, limit=1, hosted=hosted)
            if not claimed:
                return
            self._used = time.monotonic()
            self._begin(claimed[0])

    def _begin(self, upload: ClaimedUpload) -> None:
        try:
            pool = self._prepare(upload.classifiers)
        except EarmarkError as error:
            fail_upload(upload=upload, code=error.code, message=str(error))
            return
        task = next(self._tasks)
        self._held[task] = _Held(upload)
        pool.submit(
            task,
            str(upload.location),
            upload.size,
            upload.classifiers,
            alone=bool(upload.lost_leases),
            part=Part(upload.start, upload.end, float(settings.EARMARK_UPLOAD_MAX_SECONDS)),
        )

    def _prepare(self, wanted: Sequence[str]) -> WorkerPool:
        """Return a pool that hosts what is wanted; a new one if that is more than before.

        Raises
        ------
        ClassifierUnavailableError
            If one of the classifiers is not installed any more.
        """
        missing = [one for one in wanted if one not in self._hosted]
        if self._pool is None or missing:
            hosted = self._hosted | {one: _require(one) for one in missing}
            pool = start_pool([*hosted.values()], workers=1, device=self._device)
            self._close()
            self._pool, self._hosted = pool, hosted
        return self._pool

    def _hear(self, events: Sequence[Event]) -> None:
        for event in events:
            if isinstance(event, Identified) and self._pool is not None:
                self._pool.answer(event.task, proceed=event.classifiers)
            elif isinstance(event, Classified):
                self._note(event)
            elif isinstance(event, Failed):
                self._fail(event.task, event.code, event.message)
            elif isinstance(event, LoadFailed):
                log.error("classifier_unusable", classifier=event.classifier, code=event.code)
                self._stale = True  # the next upload tries a new engine

    def _note(self, event: Classified) -> None:
        held = self._held.get(event.task)
        if held is None:
            return
        held.answers[event.classifier] = ClassifierAnswer(
            event.classifier,
            list_best(
                [(one.id, one.name) for one in self._hosted[event.classifier].label_list],
                event.scores.tolist(),
                event.starts.tolist(),
                event.ends.tolist(),
                offset=held.upload.start,
            ),
        )
        if set(held.answers) == set(held.upload.classifiers):
            del self._held[event.task]
            complete_upload(upload=held.upload, result=_result(held, event))

    def _fail(self, task: int, code: str, message: str) -> None:
        held = self._held.pop(task, None)
        if held is not None:
            fail_upload(upload=held.upload, code=code, message=message)

    def _fail_all(self, code: str, message: str) -> None:
        for task in [*self._held]:
            self._fail(task, code, message)

    def _renew(self) -> None:
        now = time.monotonic()
        if self._held and now - self._renewed >= settings.EARMARK_JOB_LEASE_SECONDS / 3:
            self._renewed = now
            lost = renew_uploads(uploads=self._uploads(), worker=self._worker)
            self._held = {task: one for task, one in self._held.items() if one.upload not in lost}

    def _uploads(self) -> list[ClaimedUpload]:
        return [held.upload for held in self._held.values()]

    def _close(self) -> None:
        if self._pool is not None:
            self._pool.close()
        self._pool = None
        self._stale = False
        self._hosted = {}
        self._held = {}


@contextmanager
def desk_beside(*, device: str) -> Iterator[None]:
    """Serve uploads in a thread of this process for as long as the context is open."""
    stop = StopRequest()
    desk = UploadDesk(stop=stop, device=device)
    thread = threading.Thread(target=desk.serve, name="uploads", daemon=True)
    thread.start()
    try:
        yield
    finally:
        stop.ask()
        thread.join()
        stop.close()


def sweep() -> None:
    """Give the uploads of the dead to the living, and delete what nobody needs any more."""
    holders = Upload.objects.running().values_list("worker", flat=True).distinct()
    sweep_uploads(dead_workers=[worker for worker in holders if is_gone(worker)])


def _require(identity: str) -> ClassifierVersion:
    name, _, version = identity.rpartition("@")
    found = ClassifierVersion.objects.usable().filter(name=name, version=version).first()
    if found is None:
        raise ClassifierUnavailableError(f"The classifier {identity} cannot be used any more.")
    return found


def _result(held: _Held, event: Classified) -> UploadResult:
    return UploadResult(
        duration=event.duration or None,
        sample_rate=event.sample_rate,
        channels=event.channels,
        container=event.container,
        codec=event.codec,
        classifiers=tuple(held.answers[one] for one in held.upload.classifiers),
    )
