"""What is wrong with the queues: nobody takes the jobs, or nobody may."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator

from django.conf import settings
from django.db.models import Count, Min
from django.db.models.functions import Now
from django.utils import timezone

from earmark.classifiers.errors import ClassifierUnavailableError
from earmark.classifiers.models import ClassifierVersion
from earmark.classifiers.registry import get_plugin, inspect_plugins
from earmark.core.hints import classify_queue
from earmark.jobs.diagnosis.findings import Finding
from earmark.jobs.models import Job, RunQuerySet, Worker
from earmark.jobs.selectors import count_open_jobs, list_workers
from earmark.library.models import Library, Scan
from earmark.settings.queues import SCAN


def look_at_pauses(runs: RunQuerySet) -> Iterator[Finding]:
    """Find paused runs."""
    for run in runs.exclude(paused_at=None).order_by("pk"):
        left = Job.objects.queued().filter(run=run).count()
        yield Finding(
            "run_paused",
            f"Run {run.pk} is paused; {left:,} of its jobs wait.",
            f"`earmark jobs resume --run {run.pk}` lets it go on.",
        )


def look_at_workers(runs: RunQuerySet) -> Iterator[Finding]:
    """Find queues with work that no worker takes from."""
    waiting: defaultdict[str, int] = defaultdict(int)
    for row in count_open_jobs(runs=runs):
        if row.state == "queued":
            waiting[classify_queue(row.classifier)] += row.jobs
    scans = Scan.objects.filter(state=Scan.State.QUEUED).count()
    if scans:
        waiting[SCAN] += scans
    served = {queue for worker in list_workers() for queue in worker.queues}
    for queue, count in sorted(waiting.items()):
        if queue not in served:
            yield Finding(
                "no_worker",
                f"No worker takes from the queue {queue}, where {count:,} wait.",
                how_to_start(queue),
            )


def look_at_classifiers(runs: RunQuerySet) -> Iterator[Finding]:
    """Find classifiers with waiting jobs that cannot be used here."""
    needed = Job.objects.queued().filter(run__in=runs).order_by().values("classifier").distinct()
    for classifier in ClassifierVersion.objects.filter(pk__in=needed):
        reason = _why_unusable(classifier)
        if reason:
            yield Finding(
                "classifier_unusable",
                f"Jobs wait for {classifier.identity}: {reason}",
                "Install or switch it on (`earmark classifiers` lists them), or cancel the run "
                "and start one with another.",
            )


def look_at_leases(runs: RunQuerySet) -> Iterator[Finding]:
    """Find jobs in the hands of workers that are gone."""
    held = Job.objects.running().filter(run__in=runs).order_by()
    overdue = held.filter(lease_until__lt=Now()).count()
    if overdue:
        yield Finding(
            "lease_expired",
            f"{overdue:,} jobs are held by workers whose lease has ended, and nobody has queued "
            "them again.",
            "The clock does that every few seconds: see that it runs. `earmark up` and "
            "`earmark work` do it too.",
        )
    rows = held.filter(lease_until__gte=Now()).values_list("worker")
    alive = set(list_workers().values_list("name", flat=True))
    known = set(Worker.objects.values_list("name", flat=True))
    for worker, count, until in rows.annotate(Count("pk"), Min("lease_until")).order_by("worker"):
        if worker in known - alive:
            left = max(0.0, (until - timezone.now()).total_seconds())
            yield Finding(
                "lease_of_dead_worker",
                f"{count:,} jobs are held by {worker}, which was not heard of for a minute.",
                f"Nothing: they are queued again in {left:.0f} s, when its lease ends.",
            )


def look_at_delays(runs: RunQuerySet) -> Iterator[Finding]:
    """Find runs with nothing left but jobs that wait for their next try."""
    states: defaultdict[int, set[str]] = defaultdict(set)
    for row in count_open_jobs(runs=runs):
        states[row.run_id].add(row.state)
    for run_id in sorted(run_id for run_id, found in states.items() if found == {"delayed"}):
        jobs = Job.objects.queued().filter(run=run_id).exclude(not_before=None)
        last = jobs.order_by("not_before").first()
        if last is not None and last.not_before is not None:
            yield Finding(
                "waits_for_next_try",
                f"All jobs left in run {run_id} have failed and are tried again, the next at "
                f"{last.not_before:%H:%M:%S} UTC: {last.reason_message}",
                "Wait, and see that the reason has passed by then.",
            )


def look_at_scans(libraries: Iterable[Library]) -> Iterator[Finding]:
    """Find scans in the hands of workers that are gone."""
    running = Scan.objects.filter(library__in=libraries, state=Scan.State.RUNNING)
    for scan in running.filter(lease_until__lt=Now()).select_related("library").order_by("pk"):
        yield Finding(
            "lease_expired",
            f"The scan of {scan.library.name} is held by a worker whose lease has ended.",
            "The next worker of the queue scan goes on with it: see that one runs.",
        )


def how_to_start(queue: str) -> str:
    """Say how to start a worker of a queue."""
    if not settings.EARMARK_BROKER_URL:
        return "Start one: `earmark work`, or `earmark up` for the web pages and a worker."
    return f"Start one: `celery -A earmark worker --queues {queue}`."


def _why_unusable(classifier: ClassifierVersion) -> str:
    """Ask the plugin itself; empty if it can be used."""
    if not classifier.enabled:
        return "it is switched off."
    try:
        (found,) = inspect_plugins([get_plugin(classifier.name)])
    except ClassifierUnavailableError as error:
        return error.message
    if found.manifest is None or not found.usable:
        return found.message
    if found.manifest["version"] != classifier.version:
        return f"{classifier.name}@{found.manifest['version']} is installed instead."
    return ""
