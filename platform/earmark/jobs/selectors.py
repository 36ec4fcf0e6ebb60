"""Questions about runs, jobs and predictions."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import numpy as np
import numpy.typing as npt
from django.conf import settings
from django.db.models import (
    Case,
    CharField,
    Count,
    DurationField,
    Exists,
    ExpressionWrapper,
    F,
    Min,
    OuterRef,
    Q,
    QuerySet,
    Sum,
    Value,
    When,
)
from django.db.models.functions import Now
from django.utils import timezone

from earmark.classifiers.models import ClassifierVersion
from earmark.jobs.errors import RunUnknownError
from earmark.jobs.models import (
    Job,
    JobQuerySet,
    PredictionSet,
    Run,
    RunEvent,
    RunQuerySet,
    Worker,
)
from earmark.jobs.scores import StoredScore, unpack_scores
from earmark.jobs.timeline import Timeline, unpack_timeline
from earmark.library.models import Library, Scan

_IN_LIMIT = 500

SILENT_AFTER = timedelta(seconds=60)
"""A worker that was not heard of for so long is taken for absent."""

RATE_OVER = timedelta(seconds=60)
"""The time over which rates are measured."""

_PREPARATION = timedelta(days=1)
"""The longest that may pass between the submission of a run and its first claim."""


@dataclass(frozen=True)
class RunCounts:
    """How many jobs of a run are in each state."""

    queued: int = 0
    running: int = 0
    succeeded: int = 0
    failed: int = 0
    skipped: int = 0
    cancelled: int = 0

    @property
    def total(self) -> int:
        """All jobs of the run."""
        return self.finished + self.queued + self.running

    @property
    def finished(self) -> int:
        """Jobs that need no more work."""
        return self.succeeded + self.failed + self.skipped + self.cancelled


def count_jobs(*, run: Run) -> RunCounts:
    """Count the jobs of a run, as the rows are at this moment: one GROUP BY over an index.

    Counters kept beside the rows would be quicker to read, but every worker would have to write
    the same row for each batch; see ADR 13 for what was measured.
    """
    return _count(Job.objects.filter(run=run))


def count_library(*, library: Library) -> RunCounts:
    """Count the jobs of all runs over a library, as the rows are at this moment."""
    return _count(Job.objects.filter(run__in=Run.objects.filter(library=library)))


def _count(jobs: JobQuerySet) -> RunCounts:
    rows = jobs.order_by().values_list("state").annotate(Count("pk"))
    return RunCounts(**dict(rows))


@dataclass(frozen=True)
class OpenJobs:
    """How many unfinished jobs a run has for a classifier, in one state.

    `state` is ``queued``, ``running``, ``delayed`` (waits for its next try) or ``paused``.
    """

    run_id: int
    classifier: str
    state: str
    jobs: int


def count_open_jobs(*, runs: RunQuerySet | None = None) -> list[OpenJobs]:
    """Count the unfinished jobs of open runs, or of some of them."""
    runs = Run.objects.open() if runs is None else runs.open()
    state = Case(
        When(state=Job.State.RUNNING, then=Value("running")),
        When(run__paused_at__isnull=False, then=Value("paused")),
        When(not_before__isnull=False, then=Value("delayed")),
        default=Value("queued"),
        output_field=CharField(),
    )
    jobs = Job.objects.unfinished().filter(run__in=runs).order_by()
    rows = jobs.annotate(how=state).values_list("run", "classifier__name", "how")
    return [OpenJobs(*row) for row in rows.annotate(Count("pk")).order_by("run", "how")]


def count_failures() -> dict[str, int]:
    """Count the failed jobs by their reason, most frequent first."""
    rows = Job.objects.filter(state=Job.State.FAILED).order_by().values_list("reason_code")
    return dict(rows.annotate(jobs=Count("pk")).order_by("-jobs", "reason_code"))


def get_oldest_wait() -> timedelta:
    """Return for how long the oldest job has waited that could be claimed now; zero without one."""
    waiting = Exists(Job.objects.due().filter(run=OuterRef("pk")))
    runs = Run.objects.open().unpaused().filter(waiting).order_by("created_at")
    age = ExpressionWrapper(Now() - F("created_at"), output_field=DurationField())
    return runs.annotate(age=age).values_list("age", flat=True).first() or timedelta()


def count_open_scans() -> dict[str, int]:
    """Count the unfinished scans by their state."""
    rows = Scan.objects.filter(finished_at=None).order_by().values_list("state")
    return dict(rows.annotate(Count("pk")))


def get_oldest_scan_wait() -> timedelta:
    """Return for how long the oldest scan has waited for a worker; zero without one."""
    oldest = Scan.objects.filter(state=Scan.State.QUEUED).aggregate(oldest=Min("created_at"))
    return timezone.now() - oldest["oldest"] if oldest["oldest"] else timedelta()


def get_throughput() -> float:
    """Return how many seconds of sound were classified per second, over `RATE_OVER`."""
    lately = RunEvent.objects.filter(created_at__gt=Now() - RATE_OVER)
    seconds = lately.aggregate(seconds=Sum("audio_seconds"))["seconds"] or 0.0
    return float(seconds) / RATE_OVER.total_seconds()


def list_events(*, run: Run, after: int = 0) -> QuerySet[RunEvent]:
    """Return what happened to a run after an event, in the order in which it became visible."""
    return RunEvent.objects.filter(run=run, pk__gt=after).order_by("pk")


def get_run(*, number: int) -> Run:
    """Return a run by its number.

    Raises
    ------
    RunUnknownError
        If there is none.
    """
    run = Run.objects.select_related("library").filter(pk=number).first()
    if run is None:
        raise RunUnknownError(f"There is no run {number}.")
    return run


def list_open_runs(*, library: Library | None = None, under: str | None = None) -> QuerySet[Run]:
    """Return the runs that still have work to do, oldest first."""
    runs = Run.objects.open().select_related("library").order_by("pk")
    if library is not None:
        runs = runs.filter(library=library)
    if under is not None:
        runs = runs.filter(under=under)
    return runs


def list_silent_runs(*, library: Library) -> QuerySet[Run]:
    """Return the open runs without any sign of life for as long as a lease lasts.

    Signs are a lease that lasts, a job claimed or finished lately, and jobs that wait for one
    that is held. A run that has not begun may still be in preparation, for `_PREPARATION`.
    """
    lately = Now() - timedelta(seconds=settings.EARMARK_JOB_LEASE_SECONDS)
    alive = Job.objects.filter(run=OuterRef("pk")).filter(
        Q(lease_until__gt=Now())
        | Q(started_at__gt=lately)
        | Q(finished_at__gt=lately)
        | Q(state=Job.State.QUEUED, waits_for__lease_until__gt=Now())
    )
    begun = Q(state=Run.State.RUNNING) | Q(created_at__lt=Now() - _PREPARATION)
    return list_open_runs(library=library).filter(begun, ~Exists(alive))


def list_workers() -> QuerySet[Worker]:
    """Return the workers that gave a sign of life lately, by the database's clock."""
    return Worker.objects.filter(last_seen_at__gt=Now() - SILENT_AFTER)


def list_lease_holders() -> list[str]:
    """Return the workers that hold jobs."""
    holders = Job.objects.running().values_list("worker", flat=True).distinct()
    return sorted(holders)


def get_scores(
    *, classifier: ClassifierVersion, audio_hashes: Collection[str]
) -> dict[str, list[StoredScore]]:
    """Return the stored scores of pieces of audio, highest first, by audio hash."""
    return {
        audio_hash: unpack_scores(packed, classifier.label_list)
        for audio_hash, packed in _stored(classifier, audio_hashes, "scores")
    }


def get_timeline(*, classifier: ClassifierVersion, audio_hash: str) -> Timeline | None:
    """Return the scores of the windows of a piece of audio; None if they were not kept.

    Raises
    ------
    earmark.jobs.timeline.TimelineError
        If what is stored is damaged.
    """
    for _, packed in _stored(classifier, [audio_hash], "timeline"):
        return None if packed is None else unpack_timeline(bytes(packed))
    return None


def get_embeddings(
    *, classifier: ClassifierVersion, audio_hashes: Collection[str]
) -> dict[str, npt.NDArray[np.float32]]:
    """Return the embeddings of pieces of audio, by audio hash; where none was kept, no entry.

    Each is float32 of shape (``embedding_size``,) and of length one up to its float16 steps, or
    all zeros for audio of which the classifier had nothing to say.
    """
    return {
        audio_hash: np.frombuffer(packed, "<f2").astype(np.float32)
        for audio_hash, packed in _stored(classifier, audio_hashes, "embedding")
        if packed is not None
    }


def _stored(
    classifier: ClassifierVersion, audio_hashes: Collection[str], column: str
) -> Iterator[tuple[str, Any]]:
    """Yield hash and one column of the results on pieces of audio, some at a time."""
    wanted = sorted({audio_hash for audio_hash in audio_hashes if audio_hash})
    for start in range(0, len(wanted), _IN_LIMIT):
        rows = PredictionSet.objects.filter(
            classifier=classifier, audio_hash__in=wanted[start : start + _IN_LIMIT]
        )
        yield from rows.values_list("audio_hash", column)
