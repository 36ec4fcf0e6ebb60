"""Questions about tags and what they follow from."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

from django.db.models import Count, Exists, F, OuterRef, QuerySet, Subquery

from earmark.classifiers.models import ClassifierVersion
from earmark.jobs.models import PredictionSet
from earmark.library.models import AudioFileQuerySet, Library
from earmark.library.selectors import list_files
from earmark.tagging.knowledge import (
    Decided,
    Evidence,
    Saying,
    TagPolicy,
    Thesaurus,
    WordChange,
    decide,
)
from earmark.tagging.knowledge.opinions import PackedScore
from earmark.tagging.knowledge.thesaurus import Entry
from earmark.tagging.models import (
    FileEvidence,
    PolicyChange,
    Tag,
    TagBasis,
    TagChange,
    TagSet,
    ThesaurusEntry,
)

_IN_LIMIT = 500


def get_policy(*, library: Library | None, threshold: float | None = None) -> TagPolicy:
    """Return the policy that holds for a library, or without one the default.

    A given threshold comes before the stored one.
    """
    change = get_policy_change(library=library)
    policy = (
        TagPolicy.from_values(change.policy.values) if change and change.policy else TagPolicy()
    )
    return policy if threshold is None else policy.accepting_from(threshold)


def get_policy_change(*, library: Library | None) -> PolicyChange | None:
    """Return the change by which a library got its policy; None where Earmark's own holds."""
    changes = PolicyChange.objects.select_related("policy", "library").order_by("-number")
    own = changes.filter(library=library).first() if library is not None else None
    if own is not None and own.policy is not None:
        return own
    return changes.filter(library=None).first()


def list_policy_changes(*, library: Library | None) -> QuerySet[PolicyChange]:
    """Return the history of a library's own policy, or of the default, newest first."""
    changes = PolicyChange.objects.filter(library=library).order_by("-number")
    return changes.select_related("policy", "library", "changed_by")


def list_thesaurus(*, library: Library | None) -> QuerySet[ThesaurusEntry]:
    """Return the entries of a library itself, or those of all libraries, by term."""
    return ThesaurusEntry.objects.filter(library=library).order_by("term_key")


def get_thesaurus(*, library: Library) -> Thesaurus:
    """Return the thesaurus that holds for a library: its own entries before those of all."""
    rows = [*list_thesaurus(library=None), *list_thesaurus(library=library)]
    return Thesaurus({row.term_key: entry_of(row) for row in rows}.values())


def entry_of(row: ThesaurusEntry) -> Entry:
    """Return what a row says."""
    return Entry(
        term=row.term,
        preferred=row.preferred,
        synonyms=None if row.synonyms is None else tuple(row.synonyms),
        forbidden=tuple(row.forbidden),
        translations=dict(row.translations),
    )


def get_evidence(*, file_ids: Collection[int]) -> dict[int, Evidence]:
    """Return what people said about files, by file id; files nobody looked into are left out."""
    found: dict[int, Evidence] = {}
    wanted = sorted(file_ids)
    for start in range(0, len(wanted), _IN_LIMIT):
        rows = FileEvidence.objects.filter(file__in=wanted[start : start + _IN_LIMIT])
        for pk, said in rows.values_list("file", "said"):
            if said:
                found[pk] = Evidence.from_dict(said)
    return found


def get_decided(*, file_ids: Collection[int]) -> dict[int, Decided]:
    """Return what people decided about files, by file id; the others are left out."""
    changes: dict[int, list[WordChange]] = {}
    wanted = sorted(file_ids)
    for start in range(0, len(wanted), _IN_LIMIT):
        rows = TagChange.objects.standing().filter(file__in=wanted[start : start + _IN_LIMIT])
        for row in rows.order_by("file", "pk"):
            changes.setdefault(row.file_id, []).append(_word_change(row))
    return {pk: decide(own) for pk, own in changes.items()}


def _word_change(row: TagChange) -> WordChange:
    words = {name: tuple(values) for name, values in row.words.items()}
    saying = Saying(row.by_name, row.created_at.isoformat(), row.comment, row.pk)
    return WordChange(saying, **words)


def list_tag_changes(*, file_id: int) -> QuerySet[TagChange]:
    """Return what people did to the tags of a file, newest first."""
    return TagChange.objects.filter(file=file_id).order_by("-pk")


def get_classifiers(*, basis: TagBasis) -> tuple[ClassifierVersion, ...] | None:
    """Return the classifiers of a basis in their order; None if one is not known any more."""
    names = [identity.rpartition("@")[0] for identity in basis.classifiers]
    rows = {row.identity: row for row in ClassifierVersion.objects.filter(name__in=names)}
    found = [rows[identity] for identity in basis.classifiers if identity in rows]
    return tuple(found) if len(found) == len(basis.classifiers) else None


def get_packed_scores(
    *, classifier: ClassifierVersion, audio_hashes: Collection[str]
) -> Mapping[str, Sequence[PackedScore]]:
    """Return the stored scores of pieces of audio as they are stored, by audio hash."""
    found: dict[str, Sequence[PackedScore]] = {}
    wanted = sorted({audio_hash for audio_hash in audio_hashes if audio_hash})
    for start in range(0, len(wanted), _IN_LIMIT):
        rows = PredictionSet.objects.filter(
            classifier=classifier, audio_hash__in=wanted[start : start + _IN_LIMIT]
        )
        found.update(rows.values_list("audio_hash", "scores"))
    return found


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
