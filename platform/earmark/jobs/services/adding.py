"""Add jobs to a run whose need was not known when it was submitted."""

from __future__ import annotations

from collections.abc import Collection, Iterator

import structlog
from django.db import transaction

from earmark.classifiers.models import ClassifierVersion
from earmark.jobs.models import Job, Run, RunEvent
from earmark.jobs.services.events import record_events
from earmark.jobs.services.runs import hint_classifiers
from earmark.library.models import AudioFile

log = structlog.get_logger(__name__)

_BATCH = 500


def add_jobs(*, run: Run, classifier: ClassifierVersion, file_ids: Collection[int]) -> int:
    """Queue one more classifier over files of a run; return how many jobs are new.

    A run that was finished is open again then. A cancelled one gets no jobs. Files that have a
    job of this classifier in this run, whatever became of it, get no second one.

    Parameters
    ----------
    run : Run
    classifier : ClassifierVersion
        One of the run's.
    file_ids : collection of int
        Files of its library.
    """
    added = 0
    with transaction.atomic():
        # Whoever closes the run, or adds to it too, waits here; see `earmark.jobs.services.runs`.
        row = Run.objects.select_for_update().get(pk=run.pk)
        if row.state == Run.State.CANCELLED:
            return 0
        for batch in _batches(file_ids):
            known = Job.objects.filter(run=run, classifier=classifier, file__in=batch)
            there = set(known.values_list("file", flat=True))
            files = AudioFile.objects.filter(pk__in=batch, library=row.library_id)
            new = files.exclude(pk__in=there).order_by("path").values_list("pk", flat=True)
            jobs = [Job(run=run, classifier=classifier, file_id=pk) for pk in new]
            # A file that was just recognised as a moved one may have brought a job with it.
            Job.objects.bulk_create(jobs, ignore_conflicts=True)
            added += len(jobs)
        if added and row.state == Run.State.FINISHED:
            row.state, row.finished_at = Run.State.RUNNING, None
            row.save(update_fields=["state", "finished_at"])
        if added:
            hint_classifiers([classifier])
            told = {"classifier": classifier.identity}
            submitted = RunEvent(run=run, kind=RunEvent.Kind.SUBMITTED, jobs=added, payload=told)
            record_events([submitted])
    if added:
        log.info("jobs_added", run=run.pk, classifier=classifier.identity, jobs=added)
    return added


def _batches(file_ids: Collection[int]) -> Iterator[list[int]]:
    ids = sorted(file_ids)
    for start in range(0, len(ids), _BATCH):
        yield ids[start : start + _BATCH]
