"""Workers say that they are there, and what they are doing."""

from __future__ import annotations

import socket
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

from django.db.models.functions import Now
from django.utils import timezone

from earmark.jobs.models import Worker

REPORT_EVERY = timedelta(seconds=15)
"""How often a worker should call `report_worker`; silence of four times that counts as absence."""

KEPT = timedelta(days=1)
"""How long the rows of workers are kept that ended without a word."""


@dataclass(frozen=True)
class DeviceUse:
    """How well a worker uses its device.

    Attributes
    ----------
    batch_fill : float, optional
        Windows in the batches since the last report, as a part of what they could hold; in
        [0, 1]. None without batches.
    memory_used, memory_total : int, optional
        Bytes of the device's own memory. None for processors.
    """

    batch_fill: float | None = None
    memory_used: int | None = None
    memory_total: int | None = None


def report_worker(
    *,
    name: str,
    queues: Sequence[str],
    classifiers: Sequence[str] = (),
    device: str = "",
    use: DeviceUse | None = None,
    host: str = "",
) -> None:
    """Record that a worker is alive, and what it does.

    Parameters
    ----------
    name : str
        The name it claims under.
    queues : sequence of str
        Those it takes work from, such as ``classify.cpu``.
    classifiers : sequence of str
        Identities of those it hosts, such as ``audioset@1.0.0``.
    device : str
        Where it computes, such as ``cuda:0``.
    use : DeviceUse, optional
    host : str
        By default the name of this machine.
    """
    use = use or DeviceUse()
    Worker.objects.update_or_create(
        name=name,
        defaults={
            "host": host or socket.gethostname(),
            "queues": list(queues),
            "classifiers": list(classifiers),
            "device": device,
            "batch_fill": use.batch_fill,
            "device_memory_used": use.memory_used,
            "device_memory_total": use.memory_total,
            "host_time": timezone.now(),
            "last_seen_at": Now(),
        },
    )


def forget_worker(*, name: str) -> None:
    """Remove a worker that ends in good order, and those of which nothing was heard for long."""
    Worker.objects.filter(name=name).delete()
    Worker.objects.filter(last_seen_at__lt=Now() - KEPT).delete()
