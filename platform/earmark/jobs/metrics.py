"""What Prometheus is told about queues, jobs and workers; see `earmark.core.metrics`."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from prometheus_client import Metric
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector

from earmark.core.hints import classify_queue
from earmark.jobs.selectors import (
    RATE_OVER,
    count_failures,
    count_open_jobs,
    count_open_scans,
    get_oldest_scan_wait,
    get_oldest_wait,
    get_throughput,
    list_workers,
)


class JobCollector(Collector):
    """Reads everything anew each time it is asked."""

    def describe(self) -> list[Metric]:
        """Say nothing: to name the metrics when Django starts would need the database."""
        return []

    def collect(self) -> Iterator[Metric]:
        """Yield all metrics."""
        yield _queue_depth()
        yield _oldest()
        yield from _scans()
        yield GaugeMetricFamily(
            "earmark_audio_seconds_per_second",
            f"Seconds of sound classified per second, over the last {RATE_OVER.seconds} s.",
            value=get_throughput(),
        )
        failures = GaugeMetricFamily(
            "earmark_jobs_failed", "Failed jobs by reason.", labels=["code"]
        )
        for code, count in count_failures().items():
            failures.add_metric([code], count)
        yield failures
        yield from _workers()


def _queue_depth() -> Metric:
    depth = GaugeMetricFamily(
        "earmark_jobs", "Unfinished jobs by queue and state.", labels=["queue", "state"]
    )
    found: Counter[tuple[str, str]] = Counter()
    for row in count_open_jobs():
        found[classify_queue(row.classifier), row.state] += row.jobs
    for (queue, state), jobs in sorted(found.items()):
        depth.add_metric([queue, state], jobs)
    return depth


def _oldest() -> Metric:
    return GaugeMetricFamily(
        "earmark_oldest_job_seconds",
        "Age of the oldest job that waits for a worker; 0 if none does.",
        value=get_oldest_wait().total_seconds(),
    )


def _scans() -> Iterator[Metric]:
    depth = GaugeMetricFamily("earmark_scans", "Unfinished scans by state.", labels=["state"])
    for state, count in count_open_scans().items():
        depth.add_metric([state], count)
    yield depth
    yield GaugeMetricFamily(
        "earmark_oldest_scan_seconds",
        "Age of the oldest scan that waits for a worker; 0 if none does.",
        value=get_oldest_scan_wait().total_seconds(),
    )


def _workers() -> Iterator[Metric]:
    workers = list(list_workers())
    seen = GaugeMetricFamily(
        "earmark_workers", "Workers heard of lately, by queue.", labels=["queue"]
    )
    for queue, count in sorted(Counter(q for one in workers for q in one.queues).items()):
        seen.add_metric([queue], count)
    yield seen
    values = {
        "earmark_worker_batch_fill": (
            "Windows in the last batches, as a part of what they could hold.",
            "batch_fill",
        ),
        "earmark_worker_device_memory_bytes": (
            "Memory in use on the worker's device.",
            "device_memory_used",
        ),
        "earmark_worker_device_memory_total_bytes": (
            "Memory of the worker's device.",
            "device_memory_total",
        ),
    }
    for name, (meaning, field) in values.items():
        family = GaugeMetricFamily(name, meaning, labels=["worker", "device"])
        for worker in workers:
            value = getattr(worker, field)
            if value is not None:
                family.add_metric([worker.name, worker.device], value)
        yield family
