"""Questions about tags."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from django.db.models import Count, Exists, F, OuterRef, Subquery

from earmark.classifiers.models import ClassifierVersion
from earmark.jobs.models import PredictionSet
from earmark.library.models import AudioFileQuerySet, Library
from earmark.library.selectors import list_files
from earmark.tagging.knowledge import TagPolicy
from earmark.tagging.models import StoredPolicy, Tag, TagSet

_IN_LIMIT = 500


def get_policy(*, library: Library, threshold: float | None = None) -> TagPolicy:
    """Return the policy that holds for a library; a given threshold comes before the stored."""
    if threshold is None:
        stored = StoredPolicy.objects.filter(library=library).first()
        stored = stored or StoredPolicy.objects.filter(library=None).first()
        threshold = stored.threshold if stored else StoredPolicy.DEFAULT_THRESHOLD
    return TagPolicy.with_threshold(threshold)


def list_files_to_derive(
    *,
    library: Library,
    classifiers: Sequence[ClassifierVersion],
    basis: str,
    under: str = "",
) -> AudioFileQuerySet:
    """Return the files that have a result their tags do not rest on, in order of path.

    That is the case where there are no tags on this basis, and where one of several classifiers
    has said something since they were derived.
    """
    results = PredictionSet.objects.filter(
        classifier__in=classifiers, audio_hash=OuterRef("audio_hash")
    )
    current = TagSet.objects.filter(
        file=OuterRef("pk"), basis=basis, audio_hash=OuterRef("audio_hash")
    )
    files = list_files(library=library, under=under).present().filter(Exists(results))
    if len(classifiers) > 1:
        number = results.order_by().values("audio_hash").annotate(n=Count("pk")).values("n")
        files = files.annotate(results_now=Subquery(number))
        current = current.filter(results=OuterRef("results_now"))
    return files.filter(~Exists(current))


def get_tags(*, file_ids: Collection[int]) -> dict[int, list[Tag]]:
    """Return the tags of files, surest first, by file id; files without tags have none."""
    found: dict[int, list[Tag]] = {pk: [] for pk in file_ids}
    wanted = sorted(found)
    for start in range(0, len(wanted), _IN_LIMIT):
        rows = Tag.objects.filter(file__in=wanted[start : start + _IN_LIMIT])
        for tag in rows.order_by("file", F("confidence").desc(nulls_last=True), "pk"):
            found[tag.file_id].append(tag)
    return found
