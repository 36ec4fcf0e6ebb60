"""A Celery worker process from its start to its end.

Celery takes the signals. On SIGTERM the slices in progress are asked to stop: they store what is
finished and give the rest back; then Celery ends, and the engine's processes with it. Whatever is
cut off harder than that is found by the sweep when its leases end.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from typing import Any

import structlog
from celery.signals import worker_ready, worker_shutdown, worker_shutting_down
from django.conf import settings
from django.db import DatabaseError, connection
from structlog.contextvars import bound_contextvars

from earmark.classifiers.services import refresh_classifiers
from earmark.jobs.services import forget_worker, report_worker
from earmark.jobs.services.workers import REPORT_EVERY
from earmark.settings.queues import CLASSIFY_CPU, CLASSIFY_GPU
from earmark_workers.pipeline.classify_host import ClassifyHost
from earmark_workers.pipeline.naming import worker_name
from earmark_workers.pipeline.slices import Slice
from earmark_workers.pipeline.stopping import StopRequest
from earmark_workers.pipeline.uploads import UploadDesk
from earmark_workers.pipeline.write_host import WriteHost

log = structlog.get_logger(__name__)

_DESK_ENDS_S = 5.0
"""Within so many seconds the uploads in hand are given back; else their leases end."""


class _Process:
    """What the slices of this process share."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._stops: set[StopRequest] = set()
        self.ending = threading.Event()
        self.desk: threading.Thread | None = None

    def open(self) -> StopRequest:
        stop = StopRequest()
        with self._lock:
            self._stops.add(stop)
            if self.ending.is_set():
                stop.ask()
        return stop

    def close(self, stop: StopRequest) -> None:
        with self._lock:
            self._stops.discard(stop)
        stop.close()

    def end(self) -> None:
        with self._lock:
            self.ending.set()
            for stop in self._stops:
                stop.ask()


_process = _Process()


@contextmanager
def open_slice(queue: str) -> Iterator[Slice]:
    """Begin a slice that ends early when the process is to end; its log lines name the queue."""
    stop = _process.open()
    try:
        with bound_contextvars(queue=queue):
            yield Slice(stop, settings.EARMARK_SLICE_SECONDS)
    finally:
        _process.close(stop)


def _processors() -> int:
    return settings.EARMARK_WORKER_PROCESSES or len(os.sched_getaffinity(0))


@cache
def classify_host() -> ClassifyHost:
    """Return the classifiers of this process."""
    return ClassifyHost(workers=_processors(), device=settings.EARMARK_DEVICE)


@cache
def write_host() -> WriteHost:
    """Return what writes into files in this process."""
    return WriteHost(threads=min(_processors() + 1, settings.EARMARK_WRITES_PER_VOLUME))


@worker_ready.connect
def _begin(sender: Any, **_: object) -> None:
    queues = sorted(sender.app.amqp.queues.consume_from)
    threading.Thread(target=_report, args=[queues], name="report", daemon=True).start()
    if {CLASSIFY_CPU, CLASSIFY_GPU} & set(queues):
        desk = UploadDesk(stop=_process.open(), device=settings.EARMARK_DEVICE)
        _process.desk = threading.Thread(target=desk.serve, name="uploads", daemon=True)
        _process.desk.start()


@worker_shutting_down.connect
def _ask_to_stop(**_: object) -> None:
    _process.end()


@worker_shutdown.connect
def _end(**_: object) -> None:
    _process.end()
    if _process.desk is not None:
        _process.desk.join(_DESK_ENDS_S)
    classify_host().close()
    try:
        forget_worker(name=worker_name())
    except DatabaseError as error:
        log.warning("worker_not_forgotten", reason=str(error))


def _report(queues: list[str]) -> None:
    """Say every few seconds that this worker is there."""
    classifies = {CLASSIFY_CPU, CLASSIFY_GPU} & set(queues)
    if classifies:
        refresh_classifiers()
    while True:
        host = classify_host()
        try:
            report_worker(
                name=worker_name(),
                queues=queues,
                classifiers=host.hosted,
                device=host.device if classifies else "",
            )
        except DatabaseError as error:
            log.warning("worker_not_reported", reason=str(error))
            connection.close()
        if _process.ending.wait(REPORT_EVERY.total_seconds()):
            connection.close()
            return
