"""Submit, cancel and close runs."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from functools import reduce
from itertools import islice
from operator import or_

import structlog
from django.contrib.auth.models import User
from django.db import transaction
from django.db.models import BooleanField, Exists, Expression, ExpressionWrapper, OuterRef, Q
from django.db.models.functions import Now

from earmark.classifiers.models import ClassifierVersion
from earmark.core.hints import classify_queue, hint_on_commit
from earmark.jobs.models import Job, PredictionFailure, PredictionSet, Run
from earmark.jobs.services.fencing import finish
from earmark.library.models import Library
from earmark.library.selectors import list_files

log = structlog.get_logger(__name__)

_BATCH = 2000


def submit_run(
    *,
    library: Library,
    classifiers: Sequence[ClassifierVersion],
    under: str = "",
    mode: Run.Mode = Run.Mode.MISSING,
    options: Mapping[str, object] | None = None,
    priority: int = 0,
    limit: int | None = None,
    requested_by: User | None = None,
    keep_empty: bool = False,
) -> Run | None:
    """Queue the classification of a library, or of a folder or file in it.

    Parameters
    ----------
    library : Library
    classifiers : sequence of ClassifierVersion
    under : str
        Folder or file of the library in text form; "" is all of it.
    mode : Run.Mode
        ``missing``: only files whose audio has no result of the classifier version yet, which
        includes files that are new or have changed; what that version cannot do is left out.
        ``force``: all files.
    options : mapping, optional
        What later steps need; kept as it is (JSON).
    priority : int
        Jobs of higher numbers are done first.
    limit : int, optional
        Take this many files at most, in order of path.
    requested_by : user, optional
    keep_empty : bool
        Store the run although there is nothing to classify: whoever takes it looks whether
        later steps are left to do, and closes it.

    Returns
    -------
    Run or None
        None if there is nothing to classify; nothing is stored then.
    """
    with transaction.atomic():
        run = Run.objects.create(
            library=library,
            under=under,
            mode=mode,
            options=dict(options or {}),
            priority=priority,
            requested_by=requested_by,
        )
        run.classifiers.set(classifiers)
        jobs = _create_jobs(run, classifiers, limit)
        if not jobs and not keep_empty:
            transaction.set_rollback(True)
            return None
        for queue in {classify_queue(classifier.name) for classifier in classifiers}:
            hint_on_commit(queue)
    log.info("run_submitted", run=run.pk, library=library.pk, jobs=jobs)
    return run


def cancel_run(*, run: Run) -> int:
    """Cancel what has not been started, and return how many jobs that is.

    Jobs that a worker holds are finished by it: their work is nearly done and worth keeping.
    """
    with transaction.atomic():
        queued = Job.objects.queued().filter(run=run)
        cancelled = finish(queued, Job.State.CANCELLED, code="run_cancelled")
        Run.objects.open().filter(pk=run.pk).update(state=Run.State.CANCELLED, finished_at=Now())
    log.info("run_cancelled", run=run.pk, jobs=cancelled)
    return cancelled


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
    failed = finish(queued, Job.State.FAILED, code=code, message=message, retryable=True)
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
    runs = Run.objects.open()
    if run_ids is not None:
        runs = runs.filter(pk__in=run_ids)
    jobs = Job.objects.filter(run=OuterRef("pk"))
    unfinished = jobs.unfinished()
    if not even_empty:
        runs = runs.filter(Exists(jobs))
    return runs.filter(~Exists(unfinished)).update(state=Run.State.FINISHED, finished_at=Now())


def settle_follow_up(*, run: Run) -> None:
    """Record that the later steps of a run are done, and close it if nothing else is left."""
    with transaction.atomic():
        row = Run.objects.select_for_update().get(pk=run.pk)
        row.options = {key: value for key, value in row.options.items() if key != Run.FOLLOW_UP}
        row.save(update_fields=["options"])
    close_finished_runs(run_ids=[run.pk], even_empty=True)


def _create_jobs(run: Run, classifiers: Sequence[ClassifierVersion], limit: int | None) -> int:
    """Queue a job for each file and classifier that needs one; return how many.

    The jobs of a file get numbers next to each other: they are claimed in that order.
    """
    jobs = (
        Job(run=run, classifier=classifier, file_id=file_id, priority=run.priority)
        for file_id, classifier in _pairs_to_do(run, classifiers, limit)
    )
    count = 0
    while batch := list(islice(jobs, _BATCH)):
        Job.objects.bulk_create(batch)
        count += len(batch)
    return count


def _pairs_to_do(
    run: Run, classifiers: Sequence[ClassifierVersion], limit: int | None
) -> Iterator[tuple[int, ClassifierVersion]]:
    """Yield file and classifier, file after file in order of path."""
    files = list_files(library=run.library, under=run.under).worth_trying()
    if run.mode == Run.Mode.FORCE:
        for file_id in list(files.values_list("pk", flat=True)[:limit]):
            yield from ((file_id, classifier) for classifier in classifiers)
        return
    wanted = {f"wanted_{classifier.pk}": _unsettled(classifier) for classifier in classifiers}
    anything = reduce(or_, (Q(**{name: True}) for name in wanted))
    rows = files.annotate(**wanted).filter(anything).values_list("pk", *wanted)[:limit]
    for file_id, *flags in rows.iterator(chunk_size=_BATCH):
        yield from ((file_id, c) for c, flag in zip(classifiers, flags, strict=True) if flag)


def _unsettled(classifier: ClassifierVersion) -> Expression:
    """Say of a file whether its audio has neither a result nor a lasting failure."""
    same = {"classifier": classifier, "audio_hash": OuterRef("audio_hash")}
    known = Exists(PredictionSet.objects.filter(**same))
    failed = Exists(PredictionFailure.objects.filter(**same))
    return ExpressionWrapper(~known & ~failed, output_field=BooleanField())
