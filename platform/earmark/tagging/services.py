"""Everything that changes the tags of files."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from hashlib import blake2b

from django.db import transaction
from django.utils import timezone

from earmark.classifiers.models import ClassifierVersion
from earmark.core.text import to_storable
from earmark.jobs.scores import StoredScore
from earmark.jobs.selectors import get_scores
from earmark.library.models import AudioFile, Library
from earmark.tagging.knowledge import (
    NO_SYNONYMS,
    RULES_VERSION,
    Decision,
    DerivedTag,
    SynonymSource,
    TagPolicy,
    derive_tags,
)
from earmark.tagging.models import StoredPolicy, Tag, TagSet
from earmark_plugin_api import Prediction


@dataclass(frozen=True)
class FileTags:
    """The tags that were derived for a file.

    Attributes
    ----------
    file_id : int
    audio_hash : str
        The audio they were derived from.
    tags : sequence of DerivedTag
        Accepted, for review and dropped ones.
    results : int
        How many classifiers had a result for it.
    """

    file_id: int
    audio_hash: str
    tags: Sequence[DerivedTag]
    results: int = 1


def derive_file_tags(
    *,
    files: Iterable[AudioFile],
    classifiers: Sequence[ClassifierVersion],
    policy: TagPolicy,
    synonyms: SynonymSource = NO_SYNONYMS,
    lexicon: str = "",
) -> list[FileTags]:
    """Derive the tags of files from what classifiers have said, and store them.

    Files without a result of any of them are left out.

    Parameters
    ----------
    files : iterable of AudioFile
        A batch of at most some thousands.
    classifiers : sequence of ClassifierVersion
        Of several, the highest score of a label counts.
    policy : TagPolicy
    synonyms : SynonymSource
    lexicon : str
        Version of the source of synonyms, part of the basis; see `basis_of`.
    """
    batch = list(files)
    hashes = {file.audio_hash for file in batch}
    scores = [(c, get_scores(classifier=c, audio_hashes=hashes)) for c in classifiers]
    derived = []
    for file in batch:
        said = [
            (c.identity, found[file.audio_hash]) for c, found in scores if file.audio_hash in found
        ]
        if said:
            derived.append(_derive_one(file, said, policy, synonyms))
    basis = basis_of(classifiers=classifiers, policy=policy, lexicon=lexicon)
    store_tags(derived=derived, basis=basis)
    return derived


def _derive_one(
    file: AudioFile,
    said: Sequence[tuple[str, Sequence[StoredScore]]],
    policy: TagPolicy,
    synonyms: SynonymSource,
) -> FileTags:
    best: dict[str, Prediction] = {}
    for _, scores in said:
        for score in scores:
            known = best.get(score.label.id)
            if known is None or known.score < score.score:
                best[score.label.id] = Prediction(score.label, score.score)
    authors = " + ".join(identity for identity, _ in said)
    tags = derive_tags(best.values(), policy, classifier=authors, synonyms=synonyms)
    return FileTags(file.pk, file.audio_hash, tags, len(said))


@transaction.atomic
def store_tags(*, derived: Sequence[FileTags], basis: str) -> None:
    """Replace the tags of files by newly derived ones."""
    now = timezone.now()
    Tag.objects.filter(file__in=[told.file_id for told in derived]).delete()
    Tag.objects.bulk_create(
        _to_row(tag, told.file_id, now) for told in derived for tag in told.tags
    )
    TagSet.objects.bulk_create(
        (
            TagSet(
                file_id=told.file_id,
                audio_hash=told.audio_hash,
                basis=basis,
                results=told.results,
                tags_key=tags_key_of(told.tags),
                created_at=now,
            )
            for told in derived
        ),
        update_conflicts=True,
        unique_fields=["file"],
        update_fields=["audio_hash", "basis", "results", "tags_key", "created_at"],
    )


def basis_of(
    *, classifiers: Sequence[ClassifierVersion], policy: TagPolicy, lexicon: str = ""
) -> str:
    """Name everything tags follow from, beside the audio: equal names, equal tags."""
    return _hash(
        [*(c.identity for c in classifiers), f"rules {RULES_VERSION}", policy.version, lexicon]
    )


def tags_key_of(tags: Iterable[DerivedTag]) -> str:
    """Name the words that belong into the file: equal names, nothing new to write."""
    return _hash([tag.name for tag in tags if tag.decision is Decision.ACCEPT])


def set_threshold(*, threshold: float, library: Library | None = None) -> StoredPolicy:
    """Set the threshold of a library, or of all that have none of their own."""
    row, _ = StoredPolicy.objects.update_or_create(
        library=library, defaults={"threshold": threshold}
    )
    return row


def _to_row(tag: DerivedTag, file_id: int, now: datetime) -> Tag:
    return Tag(
        file_id=file_id,
        name=to_storable(tag.name),
        confidence=tag.confidence,
        decision=tag.decision.value,
        label=tag.label,
        mid=tag.label_id,
        origin=tag.origin.value,
        why=tag.why.as_dict(),
        created_at=now,
    )


def _hash(values: Sequence[str]) -> str:
    return blake2b(json.dumps(values).encode(), digest_size=16).hexdigest()
