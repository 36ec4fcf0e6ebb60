"""Checks under load: several threads, many calls."""

from __future__ import annotations

import gc
import sys
import threading
import tracemalloc
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import numpy as np

from earmark_plugin_api.classifier import Classifier
from earmark_plugin_api.testing.outcome import (
    CheckFailedError,
    Factory,
    loaded,
    require,
    require_same,
)
from earmark_plugin_api.testing.signals import Samples, probe_windows

THREADS = 4
ROUNDS = 4

WARM_UP = 5
CALLS = 30
TRACED_GROWTH = 256 * 2**10
"""Bytes Python and NumPy may keep over `CALLS` predictions: caches settle, leaks do not."""
RESIDENT_GROWTH = 64 * 2**20
"""Bytes the process may grow over `CALLS` predictions: allocators of C++ libraries are lazy."""

_THREAD_REMEDY = "Keep working state in local variables, not on self, or hold a lock."


def check_thread_safety(factory: Factory, device: str = "cpu") -> None:
    """Threads that predict and pool at once get what each would have got alone."""
    with loaded(factory, device) as classifier:
        windows = probe_windows(classifier.manifest)
        batches = [np.ascontiguousarray(np.roll(windows, i, axis=0)[i:]) for i in range(THREADS)]
        serial = [_predict_and_pool(classifier, batch) for batch in batches]
        start_together = threading.Barrier(THREADS)

        def work(batch: Samples) -> list[list[Samples]]:
            start_together.wait()
            return [_predict_and_pool(classifier, batch) for _ in range(ROUNDS)]

        try:
            with _eager_switching(), ThreadPoolExecutor(THREADS) as threads:
                parallel = list(threads.map(work, batches))
        except Exception as error:
            raise CheckFailedError(
                f"In {THREADS} threads at once {type(error).__name__} was raised: {error}",
                _THREAD_REMEDY,
            ) from error
    for alone, results in zip(serial, parallel, strict=True):
        for scores, pooled in results:
            for seen, expected in ((scores, alone[0]), (pooled, alone[1])):
                require_same(
                    seen,
                    expected,
                    f"Scores from {THREADS} threads and from one",
                    _THREAD_REMEDY,
                )


def _predict_and_pool(classifier: Classifier, windows: Samples) -> list[Samples]:
    scores = classifier.predict(windows).scores
    return [scores, classifier.pool(scores)]


@contextmanager
def _eager_switching() -> Iterator[None]:
    """Let Python change threads a thousand times more often, so that races show."""
    usual = sys.getswitchinterval()
    sys.setswitchinterval(5e-6)
    try:
        yield
    finally:
        sys.setswitchinterval(usual)


def check_memory_growth(factory: Factory, device: str = "cpu") -> None:
    """Thirty predictions keep next to nothing in memory.

    Seen in two ways after five calls of warming up: what Python and NumPy hold (at most
    256 KiB more) and, where the system tells (Linux), the size of the process (at most 64 MiB
    more), which also shows what a C++ library keeps.
    """
    remedy = (
        "Keep no windows or results on the instance; with torch, predict under inference_mode()."
    )
    with loaded(factory, device) as classifier:
        windows = probe_windows(classifier.manifest)
        _predict_often(classifier, windows, WARM_UP)
        resident = _resident_bytes()
        _predict_often(classifier, windows, CALLS)
        grown = _resident_bytes() - resident
        require(
            grown <= RESIDENT_GROWTH,
            f"The process grew by {grown / 2**20:.0f} MiB in {CALLS} predictions",
            remedy,
        )
        held = _traced_growth(classifier, windows)
    require(
        held <= TRACED_GROWTH,
        f"{held / 2**10:.0f} KiB more are held after {CALLS} predictions",
        remedy,
    )


def _predict_often(classifier: Classifier, windows: Samples, calls: int) -> None:
    for _ in range(calls):
        classifier.predict(windows)


def _traced_growth(classifier: Classifier, windows: Samples) -> int:
    was_tracing = tracemalloc.is_tracing()
    if not was_tracing:
        tracemalloc.start()
    try:
        _predict_often(classifier, windows, WARM_UP)
        gc.collect()
        before, _ = tracemalloc.get_traced_memory()
        _predict_often(classifier, windows, CALLS)
        gc.collect()
        after, _ = tracemalloc.get_traced_memory()
    finally:
        if not was_tracing:
            tracemalloc.stop()
    return after - before


def _resident_bytes() -> int:
    """Size of this process in memory, 0 where the system does not tell."""
    status = Path("/proc/self/status")
    if not status.exists():
        return 0
    resident = next(line for line in status.read_text().splitlines() if line.startswith("VmRSS:"))
    return int(resident.split()[1]) * 1024
