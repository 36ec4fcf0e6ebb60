"""Pause, resume, cancel, retry and close runs.

Whoever closes a run, or opens it again, holds the lock of its row and looks under it: else a run
could be closed in the moment in which failed jobs of it are queued again.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable

import structlog
from django.db import transaction
from django.db.models import Exists, OuterRef
from django.db.models.functions import Now

from earmark.classifiers.models import ClassifierVersion
from earmark.core.hints import classify_queue, hint_on_commit
from earmark.jobs.errors import RunCancelledError
from earmark.jobs.models import Job, Run, RunEvent
from earmark.jobs.services.events import record_events
from earmark.jobs.services.fencing import finish

log = structlog.get_logger(__name__)


def pause_run(*, run: Run) -> bool:
    """Let no more jobs of a run be claimed; return False if it is over or paused already.

    What workers hold is finished by them.
    """
    return _switch(run, RunEvent.Kind.PAUSED)


def resume_run(*, run: Run) -> bool:
    """Let the jobs of a paused run be claimed again; return False if it is not paused."""
    return _switch(run, RunEvent.Kind.RESUMED)


def cancel_run(*, run: Run) -> int:
    """Cancel what has not been started, and return how many jobs that is.

    Jobs that a worker holds are finished by it: their work is nearly done and worth keeping.
    """
    with transaction.atomic():
        # Jobs before their run, as claimers do: else the two could wait for each other. What is
        # queued again meanwhile is found by the sweep.
        queued = Job.objects.queued().filter(run=run)
        cancelled = finish(queued, Job.State.CANCELLED, code="run_cancelled")
        opened = Run.objects.open().filter(pk=run.pk)
        ended = opened.update(state=Run.State.CANCELLED, paused_at=None, finished_at=Now())
        if ended:
            record_events([RunEvent(run=run, kind=RunEvent.Kind.CANCELLED, jobs=cancelled)])
    log.info("run_cancelled", run=run.pk, jobs=cancelled)
    return cancelled


def retry_run(*, run: Run, codes: Collection[str] = ()) -> int:
    """Queue failed jobs of a run again, with all their tries before them; return how many.

    Parameters
    ----------
    run : Run
        A finished one is open again then.
    codes : collection of str, optional
        Only jobs that failed for these reasons; by default for any.

    Raises
    ------
    RunCancelledError
        If the run was cancelled.
    """
    with transaction.atomic():
        row = _lock([run.pk])[0]
        if row.state == Run.State.CANCELLED:
            raise RunCancelledError(f"Run {run.pk} was cancelled.", context={"run": run.pk})
        failed = Job.objects.filter(run=run, state=Job.State.FAILED)
        if codes:
            failed = failed.filter(reason_code__in=codes)
        count = failed.update(
            state=Job.State.QUEUED,
            reason_code="",
            reason_message="",
            retryable=False,
            tries=0,
            lost_leases=0,
            started_at=None,
            finished_at=None,
        )
        if count:
            # Whoever worked on it alone has left: it is anybody's now.
            row.options = {key: value for key, value in row.options.items() if key != Run.OWNER}
            row.state, row.finished_at = Run.State.RUNNING, None
            row.save(update_fields=["options", "state", "finished_at"])
            record_events([RunEvent(run=run, kind=RunEvent.Kind.RETRIED, jobs=count)])
            hint_classifiers(run.classifiers.all())
    log.info("run_retried", run=run.pk, jobs=count)
    return count


def abort_run(
    *, run: Run, code: str, message: str, classifier: ClassifierVersion | None = None
) -> int:
    """Fail what has not been started, for a reason that concerns all of it; return how many jobs.

    Parameters
    ----------
    code, message : str
        The reason, such as that the classifier cannot be loaded.
    classifier : ClassifierVersion, optional
        Fail only the jobs of this one; the others go on.
    """
    queued = Job.objects.queued().filter(run=run)
    if classifier is not None:
        queued = queued.filter(classifier=classifier)
    with transaction.atomic():
        failed = finish(queued, Job.State.FAILED, code=code, message=message, retryable=True)
        if failed:
            said = {"code": code, "message": message}
            event = RunEvent(run=run, kind=RunEvent.Kind.FAILED, jobs=failed, payload=said)
            record_events([event])
    close_finished_runs(run_ids=[run.pk])
    if failed:
        log.warning("run_aborted", run=run.pk, code=code, jobs=failed)
    return failed


def close_finished_runs(*, run_ids: Collection[int] | None = None, even_empty: bool = False) -> int:
    """Mark runs without unfinished jobs as finished; return how many.

    To be called after the transaction that finished jobs: within it, two workers that finish
    the last two jobs would each see the other's as unfinished.

    Parameters
    ----------
    run_ids : collection of int, optional
        Look at these runs only; by default at all.
    even_empty : bool
        Whether runs that never had a job count too. Only who did their later steps may say so.
    """
    jobs = Job.objects.filter(run=OuterRef("pk"))
    runs = Run.objects.open().filter(~Exists(jobs.unfinished()))
    if not even_empty:
        runs = runs.filter(Exists(jobs))
    if run_ids is not None:
        runs = runs.filter(pk__in=run_ids)
    if not runs.exists():
        return 0
    with transaction.atomic():
        # Looked at once more under the lock: meanwhile somebody may have queued jobs again.
        locked = [run.pk for run in _lock(runs.values_list("pk", flat=True))]
        ended = list(runs.filter(pk__in=locked).values_list("pk", flat=True))
        closed = Run.objects.open().filter(pk__in=ended)
        count = closed.update(state=Run.State.FINISHED, paused_at=None, finished_at=Now())
        record_events(RunEvent(run_id=pk, kind=RunEvent.Kind.FINISHED) for pk in ended)
    return count


def settle_follow_up(*, run: Run) -> None:
    """Record that the later steps of a run are done, and close it if nothing else is left."""
    with transaction.atomic():
        row = Run.objects.select_for_update().get(pk=run.pk)
        row.options = {key: value for key, value in row.options.items() if key != Run.FOLLOW_UP}
        row.save(update_fields=["options"])
    close_finished_runs(run_ids=[run.pk], even_empty=True)


def hint_classifiers(classifiers: Iterable[ClassifierVersion]) -> None:
    """Tell the workers of classifiers, after the present transaction, that there is work."""
    for queue in {classify_queue(classifier.name) for classifier in classifiers}:
        hint_on_commit(queue)


def _switch(run: Run, kind: RunEvent.Kind) -> bool:
    """Pause or resume a run, if that changes anything."""
    pausing = kind is RunEvent.Kind.PAUSED
    with transaction.atomic():
        rows = Run.objects.open().filter(pk=run.pk, paused_at__isnull=pausing)
        changed = bool(rows.update(paused_at=Now() if pausing else None))
        if changed:
            record_events([RunEvent(run=run, kind=kind)])
        if changed and not pausing:
            hint_classifiers(run.classifiers.all())
    if changed:
        log.info("run_switched", run=run.pk, to=str(kind))
    return changed


def _lock(run_ids: Collection[int]) -> list[Run]:
    """Lock runs until the end of the transaction, always in the same order."""
    return list(Run.objects.select_for_update().filter(pk__in=list(run_ids)).order_by("pk"))
