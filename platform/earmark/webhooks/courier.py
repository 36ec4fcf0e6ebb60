"""Who delivers: one thread in each process that looks after what comes up every few seconds.

A receiver that answers slowly shall hold up nothing else, and messages shall go out also while a
run of hours is worked on. Several such threads, in several processes, do each other no harm: what
is to be told is queued once and claimed before it is sent. The thread ends with its process at any
moment; what it was about to send is due again a minute later.
"""

from __future__ import annotations

import threading
import time

import structlog
from django.db import Error, close_old_connections

from earmark.webhooks.models import Webhook
from earmark.webhooks.services import prune_deliveries, queue_deliveries, send_due

log = structlog.get_logger(__name__)

PAUSE_S = 2.0
_PRUNE_EVERY_S = 3600.0

_starting = threading.Lock()
_thread: threading.Thread | None = None


def keep_delivering() -> None:
    """See to it that somebody delivers; nothing happens where there are no webhooks."""
    global _thread
    if not Webhook.objects.exists():
        return
    with _starting:
        if _thread is None or not _thread.is_alive():
            _thread = threading.Thread(target=_deliver, name="courier", daemon=True)
            _thread.start()


def deliver_once() -> int:
    """Queue and send what is due now, and return how much was sent."""
    queue_deliveries()
    return send_due()


def _deliver() -> None:
    """Deliver until there is no webhook left."""
    pruned_at = 0.0
    while True:
        try:
            if not Webhook.objects.exists():
                return
            deliver_once()
            if time.monotonic() - pruned_at > _PRUNE_EVERY_S:
                prune_deliveries()
                pruned_at = time.monotonic()
        except Error as error:
            log.warning("webhooks_wait", reason=str(error))
        finally:
            close_old_connections()
        time.sleep(PAUSE_S)
