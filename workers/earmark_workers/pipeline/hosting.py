"""Which worker processes host which classifiers, on which device."""

from __future__ import annotations

from collections.abc import Sequence

from django.conf import settings

from earmark.classifiers.models import ClassifierVersion
from earmark.classifiers.registry import get_plugin
from earmark_workers.engine.messages import Hosted, Setup
from earmark_workers.engine.pool import WorkerPool

CPU = "cpu"

CPU_BATCH_WINDOWS = 8
"""On a processor more windows at once are no faster, and 32 need 200 MB more."""


def start_pool(
    classifiers: Sequence[ClassifierVersion], *, workers: int, device: str = CPU
) -> WorkerPool:
    """Return a pool whose every process hosts all these classifiers.

    On a processor there is a process for each core. A device has one process, which never forks
    after it has opened it, and as many threads that decode for it.

    Parameters
    ----------
    classifiers : sequence of ClassifierVersion
    workers : int
        Cores to use.
    device : str
        ``cpu``, ``cuda``, ``cuda:1``; a classifier that does not run on it gets the processor.

    Raises
    ------
    ClassifierUnavailableError
        If a classifier is not installed any more.
    """
    hosted = tuple(host(classifier, device) for classifier in classifiers)
    setup = Setup(
        hosted,
        decoders=1 if device == CPU else workers,
        batch_timeout_s=float(settings.EARMARK_BATCH_TIMEOUT_SECONDS),
        decode_timeout_s=float(settings.EARMARK_DECODE_TIMEOUT_SECONDS),
    )
    if device == CPU:
        return WorkerPool(setup, workers)
    return WorkerPool(setup, 1, files_ahead=64 * workers)


def host(classifier: ClassifierVersion, device: str) -> Hosted:
    """Say how a worker process loads a classifier."""
    plugin = get_plugin(classifier.name)
    used = device if device.partition(":")[0] in classifier.devices else CPU
    windows = CPU_BATCH_WINDOWS if used == CPU else settings.EARMARK_DEVICE_BATCH_WINDOWS
    return Hosted(classifier.identity, plugin.target, plugin.folder, used, windows)
