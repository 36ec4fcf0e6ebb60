"""From stored scores to tags, and to orders for the files they belong into."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence

from earmark.library.models import AudioFile, Library
from earmark.library.services import AudioFacts, record_facts
from earmark.tagging.models import Tag
from earmark.tagging.rules import Rules, rules_for
from earmark.tagging.selectors import get_tags, list_files_to_derive
from earmark.tagging.services import derive_file_tags, note_evidence
from earmark.writeback.selectors import list_files_to_write
from earmark_files.metadata import TagSet
from earmark_workers.pipeline.evidence import look_into
from earmark_workers.pipeline.writing import WriteOrder

BATCH = 500

__all__ = ["Rules", "derive_backlog", "derive_for", "orders_for", "rules_for", "tag_set_of"]


def derive_for(library: Library, file_ids: Collection[int], rules: Rules) -> None:
    """Derive the tags of files that were just classified, whether themselves or by their twins."""
    files = list(AudioFile.objects.filter(pk__in=file_ids, library=library))
    for file in files:
        file.library = library  # known: `location` shall not ask for it file by file
    _copy_facts([file for file in files if file.duration is None and file.audio_hash])
    # Whoever comes here was just read for the first time, or has changed since.
    note_evidence(found={file.pk: look_into(file) for file in files})
    derive_file_tags(files=files, rules=rules)


def derive_backlog(library: Library, under: str, rules: Rules) -> None:
    """Derive what earlier runs left without tags, or with tags by other rules."""
    while batch := list(
        list_files_to_derive(
            library=library, classifiers=rules.classifiers, basis=rules.basis, under=under
        )[:BATCH]
    ):
        derive_file_tags(files=batch, rules=rules)


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
