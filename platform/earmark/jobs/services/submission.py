"""Submit runs: which files, which classifiers, and one job for each pair that needs one."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial, reduce
from itertools import islice
from operator import or_

import structlog
from django.conf import settings
from django.contrib.auth.models import User
from django.db import transaction
from django.db.models import BooleanField, Expression, ExpressionWrapper, Q, Value

from earmark.classifiers.models import ClassifierVersion
from earmark.core.planning import refresh_statistics
from earmark.jobs.asking import ORDER, is_settled
from earmark.jobs.models import Job, Run, RunEvent
from earmark.jobs.selection import Selection, all_files
from earmark.jobs.services.events import prune_events, record_events
from earmark.jobs.services.runs import hint_classifiers
from earmark.library.models import AudioFile, Library
from earmark.library.selectors import list_files

log = structlog.get_logger(__name__)

_BATCH = 2000

MANY = 1000
"""So many jobs at once, perhaps of files that have just come, that the database looks anew."""


@dataclass(frozen=True)
class RunPreview:
    """What a run would be about: numbers of files and of jobs."""

    files: int
    jobs: int


def submit_run(
    *,
    library: Library,
    classifiers: Sequence[ClassifierVersion],
    under: str = "",
    selection: Selection | None = None,
    mode: Run.Mode = Run.Mode.MISSING,
    options: Mapping[str, object] | None = None,
    priority: int = 0,
    limit: int | None = None,
    max_tries: int | None = None,
    requested_by: User | None = None,
    keep_empty: bool = False,
    at_first: Sequence[ClassifierVersion] | None = None,
) -> Run | None:
    """Queue the classification of a library, or of a part of it.

    Parameters
    ----------
    library : Library
    classifiers : sequence of ClassifierVersion
        In the order in which they count; see `earmark.jobs.asking.list_classifiers`.
    under : str
        Folder or file of the library in text form; "" is all of it.
    selection : Selection, optional
        Which of the files there: a query, or the files themselves; by default all.
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
    max_tries : int, optional
        How often a job is tried whose failure may pass; by default ``EARMARK_JOB_MAX_TRIES``.
    requested_by : user, optional
    keep_empty : bool
        Store the run although there is nothing to classify: whoever takes it looks whether
        later steps are left to do, and closes it.
    at_first : sequence of ClassifierVersion, optional
        Those that are asked about every file; by default all. The others get their jobs later
        (`add_jobs`), except that ``force`` renews what they have said before.

    Returns
    -------
    Run or None
        None if there is nothing to classify; nothing is stored then.

    Raises
    ------
    SelectionError
        If files were named that are not in the library.
    """
    selection = selection or Selection()
    with transaction.atomic():
        run = Run.objects.create(
            library=library,
            under=under,
            selection=selection.as_dict() | ({} if limit is None else {"limit": limit}),
            mode=mode,
            options={
                **(options or {}),
                **all_files(selection),
                ORDER: [classifier.pk for classifier in classifiers],
            },
            priority=priority,
            max_tries=max_tries or settings.EARMARK_JOB_MAX_TRIES,
            requested_by=requested_by,
        )
        run.classifiers.set(classifiers)
        pairs = _pairs_to_do(run, selection, classifiers, limit, at_first)
        jobs = _create_jobs(run, pairs)
        if not jobs and not keep_empty:
            transaction.set_rollback(True)
            return None
        submitted = RunEvent(run=run, kind=RunEvent.Kind.SUBMITTED, jobs=jobs)
        record_events([submitted])
        if jobs >= MANY:
            transaction.on_commit(partial(refresh_statistics, Job, AudioFile))
        hint_classifiers(classifiers)
    prune_events()
    log.info("run_submitted", run=run.pk, library=library.pk, jobs=jobs)
    return run


def preview_run(
    *,
    library: Library,
    classifiers: Sequence[ClassifierVersion],
    under: str = "",
    selection: Selection | None = None,
    mode: Run.Mode = Run.Mode.MISSING,
    limit: int | None = None,
    at_first: Sequence[ClassifierVersion] | None = None,
) -> RunPreview:
    """Say what `submit_run` would queue, and store nothing.

    Raises
    ------
    SelectionError
        If files were named that are not in the library.
    """
    run = Run(library=library, under=under, mode=mode)
    files = jobs = last = 0
    pairs = _pairs_to_do(run, selection or Selection(), classifiers, limit, at_first)
    for file_id, _ in pairs:
        files += file_id != last
        jobs += 1
        last = file_id
    return RunPreview(files, jobs)


def _create_jobs(run: Run, pairs: Iterable[tuple[int, ClassifierVersion]]) -> int:
    """Queue a job for each file and classifier; return how many.

    The jobs of a file get numbers next to each other: they are claimed in that order.
    """
    jobs = (Job(run=run, classifier=classifier, file_id=file_id) for file_id, classifier in pairs)
    count = 0
    while batch := list(islice(jobs, _BATCH)):
        Job.objects.bulk_create(batch)
        count += len(batch)
    return count


def _pairs_to_do(
    run: Run,
    selection: Selection,
    classifiers: Sequence[ClassifierVersion],
    limit: int | None,
    at_first: Sequence[ClassifierVersion] | None,
) -> Iterator[tuple[int, ClassifierVersion]]:
    """Yield file and classifier, file after file in order of path."""
    files = selection.apply(list_files(library=run.library, under=run.under)).worth_trying()
    first = classifiers if at_first is None else at_first
    if run.mode == Run.Mode.FORCE:
        everything = Value(True, output_field=BooleanField())
        asked = {c: everything if c in first else _is_settled(c) for c in classifiers}
    else:
        asked = {c: ExpressionWrapper(~_is_settled(c), BooleanField()) for c in first}
    wanted = {f"wanted_{classifier.pk}": wants for classifier, wants in asked.items()}
    anything = reduce(or_, (Q(**{name: True}) for name in wanted))
    rows = files.annotate(**wanted).filter(anything).values_list("pk", *wanted)[:limit]
    for file_id, *flags in rows.iterator(chunk_size=_BATCH):
        yield from ((file_id, c) for c, flag in zip(asked, flags, strict=True) if flag)


def _is_settled(classifier: ClassifierVersion) -> Expression:
    """Say of a file whether its audio has a result of a classifier, or a lasting failure."""
    return ExpressionWrapper(is_settled(classifier), output_field=BooleanField())
