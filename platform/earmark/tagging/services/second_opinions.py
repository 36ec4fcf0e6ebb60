"""In a cascade: whom to ask next about which files, and which files wait for an answer.

Classifiers are asked in their order. The next one is asked about a file where what was said so
far leaves a tag in doubt (`TagPolicy.review` to `TagPolicy.sure`), or where nobody before it
could say anything. What a rule drops in any case is not worth asking about.
"""

from __future__ import annotations

from collections.abc import Collection

from django.db.models import Exists, OuterRef, Q

from earmark.jobs.asking import is_settled
from earmark.jobs.models import Job, PredictionSet, Run
from earmark.jobs.services import add_jobs
from earmark.library.models import AudioFileQuerySet, Library
from earmark.library.selectors import list_files
from earmark.tagging.models import Tag, TagSet
from earmark.tagging.rules import Rules


def list_in_doubt(
    *, library: Library, rules: Rules, under: str = "", run: Run | None = None
) -> AudioFileQuerySet:
    """Return the files that should not be taken for finished: somebody is still to be asked.

    Their tags have to be derived by these rules; else it is not known.

    Parameters
    ----------
    library : Library
    rules : Rules
    under : str
        Folder or file of the library in text form; "" is all of it.
    run : Run, optional
        A file about which this run has asked in vain counts as finished: what is known has to do.
    """
    files = list_files(library=library, under=under).present()
    doubt = Q(pk__in=[])
    for at in range(1, len(rules.classifiers) if rules.asks_in_turn else 0):
        doubt |= _in_doubt_before(at, rules, run)
    return files.filter(doubt)


def ask_second_opinions(
    *,
    run: Run,
    rules: Rules,
    file_ids: Collection[int] | None = None,
    limit: int | None = None,
) -> int:
    """Queue the next classifier over files that are in doubt; return how many jobs are new.

    Parameters
    ----------
    run : Run
        Not asked again is what this run has asked already, or is about to.
    rules : Rules
        By which the files' tags were derived.
    file_ids : collection of int, optional
        Only these files, some hundreds; by default all of the run's place.
    limit : int, optional
        Ask about this many files at most, in order of path.
    """
    if not rules.asks_in_turn:
        return 0
    added = 0
    busy = Job.objects.unfinished().filter(run=run, file=OuterRef("pk"))
    place = list_files(library=run.library, under=run.under).present().filter(~Exists(busy))
    for at, classifier in enumerate(rules.classifiers[1:], start=1):
        files = place.filter(_in_doubt_before(at, rules, run))
        if file_ids is not None:
            files = files.filter(pk__in=file_ids)
        left = None if limit is None else max(0, limit - added)
        wanted = list(files.values_list("pk", flat=True)[:left])
        added += add_jobs(run=run, classifier=classifier, file_ids=wanted)
    return added


def find_waiting(*, run: Run, file_ids: Collection[int]) -> set[int]:
    """Return those of some files about which a run has still to hear somebody."""
    jobs = Job.objects.unfinished().filter(run=run, file__in=file_ids)
    return set(jobs.values_list("file", flat=True))


def _in_doubt_before(at: int, rules: Rules, run: Run | None) -> Q:
    """Say of a file whether the classifier at this place is the next to be asked about it."""
    earlier, classifier = rules.classifiers[:at], rules.classifiers[at]
    tag_set = TagSet.objects.filter(
        file=OuterRef("pk"), basis=rules.basis, audio_hash=OuterRef("audio_hash")
    )
    doubtful = Tag.objects.filter(
        file=OuterRef("pk"),
        confidence__gte=rules.policy.review,
        confidence__lt=rules.policy.sure,
    )
    said = PredictionSet.objects.filter(classifier__in=earlier, audio_hash=OuterRef("audio_hash"))
    due = ~is_settled(classifier) & (Q(Exists(tag_set), Exists(doubtful)) | ~Q(Exists(said)))
    for one in earlier:
        due &= is_settled(one)
    if run is not None:
        asked = Job.objects.filter(run=run, classifier=classifier, file=OuterRef("pk"))
        due &= ~Q(Exists(asked.exclude(state__in=[Job.State.QUEUED, Job.State.RUNNING])))
    return due
