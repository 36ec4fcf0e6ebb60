"""The Celery tasks. A message says "there may be work"; what is to be done is in the database.

So each task may come too often, too late or not at all, on any worker: `earmark.tick` sees to it
that nothing stays where it is for long.
"""

from __future__ import annotations

from celery import shared_task
from django.conf import settings

from earmark.core.hints import send_hint
from earmark.exchange.bulk.services import list_waiting_operations
from earmark.exchange.bulk.working import run_next_operation
from earmark.library.models import Scan
from earmark.library.services import run_next_scan
from earmark.settings.queues import SCAN, WRITE
from earmark_workers.lifecycle import classify_host, open_slice, write_host
from earmark_workers.pipeline.naming import worker_name
from earmark_workers.pipeline.upkeep import follow_changes, hint_at_work, sweep


@shared_task(name="earmark.scan")
def scan(queue: str = SCAN) -> None:
    """Carry out the next scan that waits; a long one goes on with the next message."""
    with open_slice(queue) as period:
        done = run_next_scan(worker=worker_name(), should_stop=period.ask)
    if done is not None and Scan.objects.filter(state=Scan.State.QUEUED).exists():
        send_hint(queue)


@shared_task(name="earmark.classify")
def classify(queue: str) -> None:
    """Work on the jobs of a queue, whatever run they belong to."""
    with open_slice(queue) as period:
        more = classify_host().serve(queue, period)
    if more:
        send_hint(queue)


@shared_task(name="earmark.write")
def write(queue: str = WRITE) -> None:
    """Do what was asked for many files, the later steps of runs, and writes of accepted tags."""
    with open_slice(queue) as period:
        while not period.over and run_next_operation(worker=worker_name(), should_stop=period.ask):
            pass
    # A slice of their own: an operation of hours takes each of its slices to the end.
    with open_slice(queue) as period:
        more = write_host().serve(period)
    if more or list_waiting_operations().exists():
        send_hint(queue)


@shared_task(name="earmark.tick")
def tick() -> None:
    """Look after what nobody sends a message for."""
    sweep()
    hint_at_work()
    # At last: it takes longest.
    follow_changes(every=settings.EARMARK_TICK_SECONDS)
