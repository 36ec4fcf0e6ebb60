"""From stored scores to stored tags, a batch of files at a time."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from hashlib import blake2b
from typing import Any

from django.db import connection, transaction
from django.utils import timezone

from earmark.core.text import to_storable
from earmark.library.models import AudioFile
from earmark.library.services import lock_files
from earmark.tagging.knowledge import (
    NO_SYNONYMS,
    NOTHING_DECIDED,
    RULES_VERSION,
    Decided,
    Decision,
    DerivedTag,
    Evidence,
    categorize,
    search_terms,
)
from earmark.tagging.models import Tag, TagBasis, TagSet
from earmark.tagging.rules import Rules
from earmark.tagging.selectors import get_decided, get_evidence, get_packed_scores
from earmark.tagging.services.bulk import insert_rows
from earmark.tagging.services.policies import keep_version

_NOTHING = Evidence()
_IN_LIMIT = 500
_TAG_COLUMNS = (
    *("file_id", "name", "confidence", "decision", "label", "mid", "origin", "why"),
    "created_at",
)
_SET_COLUMNS = (
    *("file_id", "basis_id", "audio_hash", "results", "tags_key", "content_key"),
    *("search_words", "catid", "catid_confidence", "catid_runners_up", "version"),
    "created_at",
)


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
    audio_hash : str
        The audio they had it of.
    decided : Decided
        What people had decided.
    """

    file: AudioFile
    tags: Sequence[DerivedTag]
    results: int
    audio_hash: str
    decided: Decided = NOTHING_DECIDED


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
    return store_tags(derived=derive_without_storing(files=files, rules=rules), rules=rules)


def derive_without_storing(*, files: Iterable[AudioFile], rules: Rules) -> list[FileTags]:
    """Derive the tags of files and leave what is stored as it is; see `derive_file_tags`."""
    batch = {file: file.audio_hash for file in files}
    return [told for told in derive_each(audio_of=batch, rules=rules) if told.results]


def derive_each(*, audio_of: Mapping[AudioFile, str], rules: Rules) -> list[FileTags]:
    """Derive the tags of each file from what was heard in some audio and what people decided.

    Parameters
    ----------
    audio_of : mapping
        The audio hash that counts for each file; "" for what nobody has listened to.
    rules : Rules
    """
    hashes = set(audio_of.values())
    scores = [get_packed_scores(classifier=c, audio_hashes=hashes) for c in rules.classifiers]
    ids = [file.pk for file in audio_of]
    evidence, decided = get_evidence(file_ids=ids), get_decided(file_ids=ids)
    derived = []
    for file, audio_hash in audio_of.items():
        own = [found.get(audio_hash) for found in scores]
        results = sum(one is not None for one in own)
        said = evidence.get(file.pk, _NOTHING).words
        by_people = decided.get(file.pk, NOTHING_DECIDED)
        tags = rules.deriver.derive_packed(own, said, by_people)
        derived.append(FileTags(file, tags, results, audio_hash, by_people))
    return derived


@transaction.atomic
def store_tags(*, derived: Sequence[FileTags], rules: Rules) -> list[FileTags]:
    """Replace the tags of files by newly derived ones; rows that stay the same are left alone.

    Returns what is stored: something else where a person has decided in the meantime.
    """
    keep_basis(rules)
    lock_files(file_ids=[told.file.pk for told in derived])
    derived = _heed_people(derived, rules)
    now = connection.ops.adapt_datetimefield_value(timezone.now())
    rows = {told.file.pk: _rows_of(told) for told in derived}
    keys = {pk: _hash(own) for pk, own in rows.items()}
    stored = {row.file_id: row for row in TagSet.objects.filter(file__in=list(rows))}
    changed = [pk for pk, key in keys.items() if pk not in stored or stored[pk].content_key != key]
    outdated = [pk for pk in changed if pk in stored]
    for start in range(0, len(outdated), _IN_LIMIT):
        # Nothing refers to tags: no need to look for what does, as `delete` would.
        tags = Tag.objects.filter(file__in=outdated[start : start + _IN_LIMIT])
        tags._raw_delete(tags.db)
    tags_of = ((pk, *row, now) for pk in changed for row in rows[pk])
    insert_rows(Tag, _TAG_COLUMNS, tags_of)
    sets = (
        _set_of(told, rules, keys[told.file.pk], stored.get(told.file.pk), now) for told in derived
    )
    insert_rows(TagSet, _SET_COLUMNS, sets, replacing="file_id")
    return derived


def _heed_people(derived: Sequence[FileTags], rules: Rules) -> list[FileTags]:
    """Derive anew what people have decided about since; the files are locked."""
    decided = get_decided(file_ids=[told.file.pk for told in derived])
    stale = {
        told.file: told.audio_hash
        for told in derived
        if decided.get(told.file.pk, NOTHING_DECIDED) != told.decided
    }
    anew = {told.file: told for told in derive_each(audio_of=stale, rules=rules)}
    return [anew.get(told.file, told) for told in derived]


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


def tags_key_of(tags: Iterable[DerivedTag], catid: str = "") -> str:
    """Name what belongs into the file, words and CatID: equal names, nothing new to write."""
    return _hash([catid, *(tag.name for tag in tags if tag.decision is Decision.ACCEPT)])


def _rows_of(told: FileTags) -> list[tuple[Any, ...]]:
    """Return the rows of a file's tags, as `_TAG_COLUMNS` without its first and last."""
    return [
        (
            to_storable(tag.name),
            tag.confidence,
            tag.decision.value,
            tag.label,
            tag.label_id,
            tag.origin.value,
            _as_json(tag.why.as_dict()),
        )
        for tag in told.tags
        if tag.decision is not Decision.DROP
    ]


def _as_json(values: dict[str, Any]) -> str:
    text = json.dumps(values)
    # Only then there may be something that a database refuses; looking costs more than writing.
    return json.dumps(to_storable(values)) if "\\u0000" in text or "\\ud" in text else text


def _set_of(
    told: FileTags, rules: Rules, content_key: str, stored: TagSet | None, now: object
) -> tuple[Any, ...]:
    hypernyms = rules.synonyms if rules.policy.search_hypernyms else NO_SYNONYMS
    category = categorize(told.tags, told.file.path.rpartition("/")[2])
    sure = category is not None and category.confidence >= rules.policy.accept
    tags_key = tags_key_of(told.tags, category.catid if category is not None and sure else "")
    version = stored.version if stored else 0
    if stored is None or (stored.content_key, stored.tags_key) != (content_key, tags_key):
        version += 1
    return (
        told.file.pk,
        rules.basis,
        told.audio_hash,
        told.results,
        tags_key,
        content_key,
        to_storable("\n".join(search_terms(told.tags, hypernyms=hypernyms))),
        category.catid if category else "",
        category.confidence if category else None,
        json.dumps(category.runners_up if category else []),
        version,
        now,
    )


def _hash(values: Sequence[Any]) -> str:
    return blake2b(json.dumps(values).encode(), digest_size=16).hexdigest()
