"""What somebody must look after every few seconds, with a broker or without.

A step in which something unforeseen happens holds up no other: see `Attempt`.
"""

from __future__ import annotations

import math
import time
from functools import partial

from django.conf import settings

from earmark.core.hints import send_hint
from earmark.exchange.bulk.models import BulkOperation
from earmark.exchange.bulk.services import list_waiting_operations, release_operations_of
from earmark.library.models import Scan
from earmark.library.services import start_due_scans
from earmark.review.services import sweep_items
from earmark.search.services import index_changes
from earmark.settings.queues import CLASSIFY_CPU, CLASSIFY_GPU, SCAN, WRITE
from earmark.webhooks.courier import keep_delivering
from earmark.writeback.write_queue import list_due_requests, list_writers, requeue_lost_writes
from earmark_workers.pipeline.attempts import Attempt
from earmark_workers.pipeline.classify_host import list_wanted
from earmark_workers.pipeline.naming import is_gone
from earmark_workers.pipeline.recovery import release_lost_jobs
from earmark_workers.pipeline.run_tags import list_runs_to_follow_up

_INDEXING_S = 2.0
"""So long the clock brings the index of the search up to date before it goes on."""

_followed_at = -math.inf


def sweep() -> None:
    """Give the work of the dead to the living, start what is due, and see that webhooks go out."""
    for step in _SWEEP:
        step()


def _requeue_lost_writes() -> None:
    dead = [worker for worker in list_writers() if is_gone(worker)]
    if dead:
        # Known to have ended on this machine: that is not held against the files, as with jobs.
        requeue_lost_writes(dead_workers=dead, blame=False)
    requeue_lost_writes()


def _release_lost_operations() -> None:
    held = BulkOperation.objects.exclude(worker="").order_by()
    busy = held.values_list("worker", flat=True).distinct()
    release_operations_of(dead_workers=[worker for worker in busy if is_gone(worker)])


_SWEEP = (
    Attempt("lost jobs", release_lost_jobs),
    Attempt("lost writes", _requeue_lost_writes),
    Attempt("lost operations", _release_lost_operations),
    Attempt("due scans", start_due_scans),
    Attempt("webhooks", keep_delivering),
)


def follow_changes(*, every: float = 0.0) -> None:
    """Let the search and the queue of review follow what has changed, for some seconds at most.

    Parameters
    ----------
    every : float
        Do nothing if this process has done it within so many seconds: where calls had to wait
        they come all at once, and others shall not have to wait for all of them.
    """
    global _followed_at
    if time.monotonic() - _followed_at < every:
        return
    for step in _FOLLOW:
        step()
    _followed_at = time.monotonic()


def _index() -> None:
    index_changes(seconds=_INDEXING_S)


_FOLLOW = (Attempt("search index", _index), Attempt("queue of review", sweep_items))


STEPS = (*_SWEEP, *_FOLLOW)
"""All that may have broken off."""


def hint_at_work() -> None:
    """Send a hint to each queue that has work, in case the last one got lost."""
    for step in _HINTS:
        step()


def _hint(queue: str) -> None:
    if _has_work(queue):
        send_hint(queue)


_HINTS = [
    Attempt(f"hints for {queue}", partial(_hint, queue))
    for queue in (SCAN, CLASSIFY_CPU, CLASSIFY_GPU, WRITE)
]


def _has_work(queue: str) -> bool:
    if queue == SCAN:
        return Scan.objects.filter(finished_at=None).exists()
    if queue == WRITE:
        asked = list_due_requests().exists() or list_waiting_operations().exists()
        return asked or bool(list_runs_to_follow_up())
    if queue == CLASSIFY_GPU and not settings.EARMARK_GPU_CLASSIFIERS:
        return False
    return bool(list_wanted(queue))
