"""From stored scores to tags, and to orders for the files they belong into."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from django.conf import settings

from earmark.classifiers.models import ClassifierVersion
from earmark.library.models import AudioFile, Library
from earmark.library.services import AudioFacts, record_facts
from earmark.tagging.knowledge import NO_SYNONYMS, SynonymSource, TagPolicy
from earmark.tagging.knowledge.synonyms import SynonymBook, load_synonyms
from earmark.tagging.models import Tag
from earmark.tagging.selectors import get_policy, get_tags, list_files_to_derive
from earmark.tagging.services import basis_of, derive_file_tags
from earmark.writeback.selectors import list_files_to_write
from earmark_files.metadata import TagSet
from earmark_workers.pipeline.writing import WriteOrder

BATCH = 500


@dataclass(frozen=True)
class Rules:
    """Everything tags follow from, beside the audio.

    Attributes
    ----------
    classifiers : tuple of ClassifierVersion
        In the order in which they were named; never empty.
    policy : TagPolicy
    synonyms : SynonymSource
    lexicon : str
        Version of the source of synonyms; empty without one.
    """

    classifiers: tuple[ClassifierVersion, ...]
    policy: TagPolicy
    synonyms: SynonymSource
    lexicon: str

    @property
    def basis(self) -> str:
        """Name of the whole; see `earmark.tagging.services.basis_of`."""
        return basis_of(classifiers=self.classifiers, policy=self.policy, lexicon=self.lexicon)

    @property
    def authors(self) -> tuple[str, ...]:
        """Who the tags come from: ``classifier@version`` of each."""
        return tuple(classifier.identity for classifier in self.classifiers)

    def derive(self, files: Sequence[AudioFile]) -> None:
        """Derive and store the tags of a batch of files that have scores."""
        derive_file_tags(
            files=files,
            classifiers=self.classifiers,
            policy=self.policy,
            synonyms=self.synonyms,
            lexicon=self.lexicon,
        )


def rules_for(
    library: Library, classifiers: Sequence[ClassifierVersion], threshold: float | None
) -> Rules:
    """Return the rules that hold for a library on this machine."""
    book = _synonym_book()
    return Rules(
        tuple(classifiers),
        get_policy(library=library, threshold=threshold),
        book or NO_SYNONYMS,
        book.version if book else "",
    )


@cache
def _synonym_book() -> SynonymBook | None:
    return load_synonyms(Path(settings.DATA_DIR))


def derive_for(library: Library, file_ids: Collection[int], rules: Rules) -> None:
    """Derive the tags of files that were just classified, whether themselves or by their twins."""
    files = list(AudioFile.objects.filter(pk__in=file_ids, library=library))
    _copy_facts([file for file in files if file.duration is None and file.audio_hash])
    rules.derive(files)


def derive_backlog(library: Library, under: str, rules: Rules) -> None:
    """Derive what earlier runs left without tags, or with tags by other rules."""
    while batch := list(
        list_files_to_derive(
            library=library, classifiers=rules.classifiers, basis=rules.basis, under=under
        )[:BATCH]
    ):
        rules.derive(batch)


def orders_for(
    library: Library, under: str, rules: Rules, file_ids: Collection[int] | None = None
) -> Iterator[list[WriteOrder]]:
    """Yield orders, a batch at a time, for the files whose tags are not in them yet.

    Parameters
    ----------
    file_ids : collection of int, optional
        Only these; by default all of the library below `under`.
    """
    files = list_files_to_write(library=library, basis=rules.basis, under=under)
    if file_ids is not None:
        files = files.filter(pk__in=file_ids)
    wanted = list(files)
    for start in range(0, len(wanted), BATCH):
        batch = wanted[start : start + BATCH]
        tags = get_tags(file_ids=[file.pk for file in batch])
        yield [_order(file, tags[file.pk], rules.authors) for file in batch]


def tag_set_of(tags: Sequence[Tag], authors: tuple[str, ...]) -> TagSet:
    """Return what a file shall say: each accepted word a keyword, the labels its genre."""
    accepted = [tag for tag in tags if tag.decision == Tag.Decision.ACCEPT]
    words = [part for tag in accepted for part in tag.name.replace(";", ",").split(",")]
    labels = dict.fromkeys(t.name for t in accepted if t.origin == Tag.Origin.CLASSIFIER)
    named = ", ".join(labels)
    return TagSet(keywords=tuple(words), description=named, genre=named, authors=authors)


def _order(file: AudioFile, tags: Sequence[Tag], authors: tuple[str, ...]) -> WriteOrder:
    return WriteOrder(
        file_id=file.pk,
        location=file.location,
        size=file.size,
        mtime_ns=file.mtime_ns,
        audio_hash=file.audio_hash,
        tags_key=file.tag_set.tags_key,
        tags=tag_set_of(tags, authors),
    )


def _copy_facts(files: Sequence[AudioFile]) -> None:
    """Give files that were not decoded what is known about their twins: equal audio."""
    known: dict[str, AudioFacts] = {}
    hashes = {file.audio_hash for file in files}
    for twin in AudioFile.objects.filter(audio_hash__in=hashes, duration__isnull=False):
        known[twin.audio_hash] = AudioFacts(
            duration=twin.duration or 0.0,
            sample_rate=twin.sample_rate or 0,
            channels=twin.channels or 0,
            container=twin.container,
            codec=twin.codec,
        )
    record_facts(facts={f.pk: known[f.audio_hash] for f in files if f.audio_hash in known})
