"""Questions about runs, jobs and predictions."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import numpy as np
import numpy.typing as npt
from django.conf import settings
from django.db.models import Count, Exists, OuterRef, Q, QuerySet
from django.db.models.functions import Now

from earmark.classifiers.models import ClassifierVersion
from earmark.jobs.models import Job, PredictionSet, Run, Worker
from earmark.jobs.scores import StoredScore, unpack_scores
from earmark.jobs.timeline import Timeline, unpack_timeline
from earmark.library.models import Library

_IN_LIMIT = 500

SILENT_AFTER = timedelta(seconds=60)
"""A worker that was not heard of for so long is taken for absent."""

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
    """Count the jobs of a run, as the rows are at this moment."""
    rows = Job.objects.filter(run=run).values_list("state").annotate(Count("pk"))
    return RunCounts(**dict(rows))


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
