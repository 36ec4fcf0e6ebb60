"""Runs that no process has to itself: those any worker may take jobs of."""

from __future__ import annotations

from django.db.models import Exists, OuterRef, QuerySet

from earmark.classifiers.models import ClassifierVersion
from earmark.jobs.models import Job, Run
from earmark.jobs.services import abort_run

OWNER = "worker"
"""Key in the options of a run: the process that submitted it and works on it alone."""


def shared_runs() -> QuerySet[Run]:
    """Return the runs without an owner, whatever their state."""
    return Run.objects.exclude(options__has_key=OWNER)


def abort_waiting(classifier: ClassifierVersion, *, code: str, message: str) -> None:
    """Fail the jobs that wait for a classifier which cannot be used, with the reason."""
    waiting = Job.objects.queued().filter(run=OuterRef("pk"), classifier=classifier)
    for run in shared_runs().filter(Exists(waiting)):
        abort_run(run=run, code=code, message=message, classifier=classifier)
