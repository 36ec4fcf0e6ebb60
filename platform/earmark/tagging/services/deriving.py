"""From stored scores to stored tags, a batch of files at a time."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from hashlib import blake2b
from typing import Any

from django.db import transaction
from django.utils import timezone

from earmark.core.text import to_storable
from earmark.library.models import AudioFile
from earmark.tagging.knowledge import (
    NO_SYNONYMS,
    RULES_VERSION,
    Decision,
    DerivedTag,
    Evidence,
    categorize,
    search_terms,
)
from earmark.tagging.models import Tag, TagBasis, TagSet
from earmark.tagging.rules import Rules
from earmark.tagging.selectors import get_evidence, get_packed_scores
from earmark.tagging.services.policies import keep_version

_NOTHING = Evidence()


@dataclass(frozen=True)
class FileTags:
    """The tags that were derived for a file.

    Attributes
    ----------
    file : AudioFile
    tags : sequence of DerivedTag
        Accepted, for review and dropped ones.
    results : int
        How many classifiers had a result for it.
    """

    file: AudioFile
    tags: Sequence[DerivedTag]
    results: int = 1


def derive_file_tags(*, files: Iterable[AudioFile], rules: Rules) -> list[FileTags]:
    """Derive the tags of files from what classifiers have said, and store them.

    Files without a result of any of them are left out. Tags that were dropped are returned and
    not stored: they follow from the scores again whenever somebody asks.

    Parameters
    ----------
    files : iterable of AudioFile
        A batch of at most some thousands.
    rules : Rules
    """
    derived = derive_without_storing(files=files, rules=rules)
    store_tags(derived=derived, rules=rules)
    return derived


def derive_without_storing(*, files: Iterable[AudioFile], rules: Rules) -> list[FileTags]:
    """Derive the tags of files and leave what is stored as it is; see `derive_file_tags`."""
    batch = list(files)
    hashes = {file.audio_hash for file in batch}
    scores = [get_packed_scores(classifier=c, audio_hashes=hashes) for c in rules.classifiers]
    evidence = get_evidence(file_ids=[file.pk for file in batch])
    derived = []
    for file in batch:
        own = [found.get(file.audio_hash) for found in scores]
        results = sum(one is not None for one in own)
        if results:
            said = evidence.get(file.pk, _NOTHING).words
            derived.append(FileTags(file, rules.deriver.derive_packed(own, said), results))
    return derived


@transaction.atomic
def store_tags(*, derived: Sequence[FileTags], rules: Rules) -> None:
    """Replace the tags of files by newly derived ones; rows that stay the same are left alone."""
    keep_basis(rules)
    now = timezone.now()
    sets = [_to_set(told, rules, now) for told in derived]
    ids = [row.file_id for row in sets]
    stored = dict(TagSet.objects.filter(file__in=ids).values_list("file", "content_key"))
    changed = {row.file_id for row in sets if stored.get(row.file_id) != row.content_key}
    Tag.objects.filter(file__in=changed & stored.keys()).delete()
    Tag.objects.bulk_create(
        _to_row(tag, told.file.pk, now)
        for told in derived
        if told.file.pk in changed
        for tag in _kept(told.tags)
    )
    TagSet.objects.bulk_create(
        sets,
        update_conflicts=True,
        unique_fields=["file"],
        update_fields=[
            *("basis", "audio_hash", "results", "tags_key", "content_key", "search_words"),
            *("catid", "catid_confidence", "catid_runners_up", "created_at"),
        ],
    )


def keep_basis(rules: Rules) -> TagBasis:
    """Return the row that names what tags by these rules rest on, made if it is new."""
    found = TagBasis.objects.filter(pk=rules.basis).first()
    if found is not None:
        return found
    row, _ = TagBasis.objects.get_or_create(
        key=rules.basis,
        defaults={
            "classifiers": list(rules.authors),
            "policy": keep_version(rules.policy),
            "rules_version": RULES_VERSION,
            "lexicon": rules.lexicon,
            "thesaurus": rules.thesaurus.version,
        },
    )
    return row


def tags_key_of(tags: Iterable[DerivedTag]) -> str:
    """Name the words that belong into the file: equal names, nothing new to write."""
    return _hash([tag.name for tag in tags if tag.decision is Decision.ACCEPT])


def _kept(tags: Iterable[DerivedTag]) -> Iterable[DerivedTag]:
    return (tag for tag in tags if tag.decision is not Decision.DROP)


def _to_set(told: FileTags, rules: Rules, now: datetime) -> TagSet:
    hypernyms = rules.synonyms if rules.policy.search_hypernyms else NO_SYNONYMS
    category = categorize(told.tags, told.file.path.rpartition("/")[2])
    return TagSet(
        file_id=told.file.pk,
        basis_id=rules.basis,
        audio_hash=told.file.audio_hash,
        results=told.results,
        tags_key=tags_key_of(told.tags),
        content_key=_hash([[*_values(tag)] for tag in _kept(told.tags)]),
        search_words=to_storable("\n".join(search_terms(told.tags, hypernyms=hypernyms))),
        catid=category.catid if category else "",
        catid_confidence=category.confidence if category else None,
        catid_runners_up=[list(one) for one in category.runners_up] if category else [],
        created_at=now,
    )


def _values(tag: DerivedTag) -> tuple[Any, ...]:
    return (tag.name, tag.confidence, tag.decision, tag.label_id, tag.origin, tag.why.as_dict())


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


def _hash(values: Sequence[Any]) -> str:
    return blake2b(json.dumps(values).encode(), digest_size=16).hexdigest()
