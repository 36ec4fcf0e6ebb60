"""Tell workers that there may be work for them.

A hint may get lost, come twice or come late: the clock (`earmark.tick`) sends another one for as
long as there is work. So nobody who submits something ever fails for want of a broker.

Hints do not expire: whether they have would be judged by the clock of whoever takes them, and one
that is a minute ahead would take none. Where nobody takes them, no more than `MOST_WAITING` are
sent.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

import structlog
from django.conf import settings
from django.db import transaction

from earmark.settings.queues import CLASSIFY_CPU, CLASSIFY_GPU, SCAN, WRITE

if TYPE_CHECKING:
    from kombu.connection import Connection

log = structlog.get_logger(__name__)

_TASKS = {
    SCAN: "earmark.scan",
    CLASSIFY_CPU: "earmark.classify",
    CLASSIFY_GPU: "earmark.classify",
    WRITE: "earmark.write",
}

_TICK = "earmark.tick"

MOST_WAITING = 50
"""So many messages in a queue are enough: each wakes a worker, and there are more to come."""


def classify_queue(classifier: str) -> str:
    """Return the queue whose workers do the jobs of a classifier, by its name."""
    return CLASSIFY_GPU if classifier in settings.EARMARK_GPU_CLASSIFIERS else CLASSIFY_CPU


def hint_on_commit(queue: str) -> None:
    """Send a hint when the present transaction is committed; see `send_hint`."""
    transaction.on_commit(partial(send_hint, queue))


def send_hint(queue: str, *, times: int = 1) -> bool:
    """Tell the workers of a queue to look for work; return whether that could be sent.

    Without a broker nothing happens. A broker that is away is logged and no error.

    Parameters
    ----------
    queue : str
        One of `earmark.settings.queues.ALL`.
    times : int
        How many workers to wake.
    """
    return _send(_TASKS[queue], queue, [queue], times)


def send_tick() -> bool:
    """Have a worker look after what nobody sends a message for; see `send_hint`."""
    return _send(_TICK, SCAN, [], 1)


def _send(task: str, queue: str, arguments: list[str], times: int) -> bool:
    if not settings.EARMARK_BROKER_URL:
        return False
    # Not before: without a broker no process needs Celery at all.
    from earmark.celery import app

    try:
        with app.connection_for_write() as connection:
            # Once: somebody who has submitted something waits for this.
            connection.ensure_connection(max_retries=1, interval_start=0, interval_step=0)
            for _ in range(min(times, MOST_WAITING - _count_waiting(connection, queue))):
                app.send_task(task, args=arguments, queue=queue, connection=connection, retry=False)
    except _faults_of_transport() as error:
        log.warning("hint_not_sent", queue=queue, reason=str(error))
        return False
    return True


def _count_waiting(connection: Connection, queue: str) -> int:
    channel: Any = connection.default_channel
    try:
        waiting = channel.queue_declare(queue=queue, passive=True)
    except connection.channel_errors:
        return 0  # a queue without messages does not exist
    return int(waiting.message_count)


def _faults_of_transport() -> tuple[type[Exception], ...]:
    """Return what is raised where the broker cannot be spoken with."""
    from kombu.exceptions import OperationalError

    from earmark.celery import app

    connection = app.connection_for_write()
    faults: tuple[type[Exception], ...] = (
        OSError,
        OperationalError,
        *connection.connection_errors,
        *connection.channel_errors,
    )
    return faults
