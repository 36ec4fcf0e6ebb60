"""From stored scores to tags, and to orders for the files they belong into."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Sequence

from django.db import transaction
from django.db.models import Exists, OuterRef

from earmark.classifiers.models import ClassifierVersion
from earmark.jobs.models import Job, Run
from earmark.library.models import AudioFile, AudioFileQuerySet, Library
from earmark.library.services import AudioFacts, record_facts
from earmark.tagging.knowledge import TagPolicy, load_ucs
from earmark.tagging.knowledge.tags import STANDS_IN
from earmark.tagging.models import FileEvidence, Tag
from earmark.tagging.rules import Rules
from earmark.tagging.rules import rules_for as find_rules
from earmark.tagging.selectors import get_tags, list_files_to_derive
from earmark.tagging.services import (
    ask_second_opinions,
    derive_file_tags,
    find_waiting,
    keep_basis,
    list_in_doubt,
    note_evidence,
)
from earmark.writeback.selectors import list_files_to_write, only_to_write
from earmark_files.metadata import TagSet
from earmark_workers.pipeline.evidence import look_into
from earmark_workers.pipeline.file_writes import WriteOrder

BATCH = 500
PERSON = "person"
"""Who is named in a file as the author of what a person said."""

__all__ = [
    "Rules",
    "derive_backlog",
    "derive_for",
    "list_files_due",
    "note_rules",
    "orders_by_basis",
    "orders_for",
    "rules_for",
    "tag_set_of",
]


def rules_for(
    library: Library, classifiers: Sequence[ClassifierVersion], threshold: float | None
) -> Rules:
    """Return the rules that hold for a library, sure to be applicable.

    Raises
    ------
    PolicyNotApplicableError
        If its policy cannot be applied to these classifiers: said before any sound is heard.
    """
    rules = find_rules(library, classifiers, threshold)
    rules.prepare()
    return rules


def derive_for(
    library: Library, file_ids: Collection[int], rules: Rules, run: Run | None = None
) -> set[int]:
    """Derive the tags of files that were just classified, whether themselves or by their twins.

    In a cascade the next classifier is asked, within the run, about those that are in doubt.
    Returns the files about which one of several is still to be heard in the run: they are neither
    written nor reported before.
    """
    files = list(AudioFile.objects.filter(pk__in=file_ids, library=library))
    for file in files:
        file.library = library  # known: `location` shall not ask for it file by file
    _copy_facts([file for file in files if file.duration is None and file.audio_hash])
    # Whoever comes here was just read for the first time, or has changed since.
    note_evidence(found={file.pk: look_into(file) for file in files})
    derive_file_tags(files=files, rules=rules)
    if run is None or len(rules.classifiers) == 1:
        return set()
    ask_second_opinions(run=run, rules=rules, file_ids=file_ids)
    return find_waiting(run=run, file_ids=file_ids)


def derive_backlog(
    library: Library, under: str, rules: Rules, *, should_stop: Callable[[], bool] = bool
) -> bool:
    """Derive what earlier runs left without tags, or with tags by other rules.

    Returns False if `should_stop`, asked after each batch, ended it before its time.
    """
    waiting = list_files_to_derive(
        library=library, classifiers=rules.classifiers, basis=rules.basis, under=under
    )
    last = 0
    while batch := list(waiting.filter(pk__gt=last).order_by("pk")[:BATCH]):
        known = set(FileEvidence.objects.filter(file__in=batch).values_list("file", flat=True))
        new = [file for file in batch if file.pk not in known]
        note_evidence(found={file.pk: look_into(file) for file in new})
        derive_file_tags(files=batch, rules=rules)
        last = batch[-1].pk
        if should_stop():
            return False
    return True


@transaction.atomic
def note_rules(run: Run, rules: Rules) -> None:
    """Record on a run by which policy, and on which basis, its tags are derived."""
    keep_basis(rules)
    row = Run.objects.select_for_update().get(pk=run.pk)
    row.options = {**row.options, "policy": rules.policy.version, "basis": rules.basis}
    row.save(update_fields=["options"])
    run.options = row.options


def list_files_due(
    library: Library,
    under: str,
    rules: Rules,
    file_ids: Collection[int] | None = None,
    *,
    run: Run | None = None,
) -> AudioFileQuerySet:
    """Return the files whose tags are not in them yet and are as sure as they will be.

    A file about which somebody is still to be asked or heard has to wait, else it would be written
    twice.

    Parameters
    ----------
    file_ids : collection of int, optional
        Only these; by default all of the library below `under`.
    run : Run, optional
        What this run has asked in vain, nobody waits for any longer.
    """
    files = list_files_to_write(library=library, basis=rules.basis, under=under)
    if run is not None and len(rules.classifiers) > 1:
        # One of several was heard before a worker had to stop, or is quicker than the others.
        unheard = Job.objects.unfinished().filter(run=run, file=OuterRef("pk"))
        files = files.filter(~Exists(unheard))
    if rules.asks_in_turn:
        doubtful = list_in_doubt(library=library, rules=rules, under=under, run=run)
        files = files.exclude(pk__in=doubtful.order_by().values("pk"))
    return files if file_ids is None else files.filter(pk__in=file_ids)


def orders_for(
    library: Library,
    under: str,
    rules: Rules,
    file_ids: Collection[int] | None = None,
    *,
    run: Run | None = None,
) -> Iterator[list[WriteOrder]]:
    """Yield orders, a batch at a time, for the files that `list_files_due` returns."""
    wanted = list(list_files_due(library, under, rules, file_ids, run=run))
    for start in range(0, len(wanted), BATCH):
        batch = wanted[start : start + BATCH]
        tags = get_tags(file_ids=[file.pk for file in batch])
        yield [_order(file, tags[file.pk], rules.authors, rules.policy.accept) for file in batch]


def orders_by_basis(library: Library, file_ids: Collection[int]) -> list[WriteOrder]:
    """Return orders for some files whose tags are not in them yet, as those tags are.

    That is what people ask for who have changed tags: no run decides about them any more.
    """
    files = only_to_write(AudioFile.objects.filter(pk__in=file_ids))
    # Before the tags: if somebody changes them in between, they are written once more.
    wanted = list(files.select_related("tag_set__basis__policy").order_by("pk"))
    tags = get_tags(file_ids=[file.pk for file in wanted])
    orders = []
    for file in wanted:
        file.library = library
        basis = file.tag_set.basis
        policy = TagPolicy.from_values(basis.policy.values) if basis.policy else TagPolicy()
        orders.append(_order(file, tags[file.pk], basis.classifiers, policy.accept))
    return orders


def tag_set_of(tags: Sequence[Tag], authors: Sequence[str], *, catid: str = "") -> TagSet:
    """Return what a file shall say: each accepted word a keyword, the labels its genre.

    Parameters
    ----------
    tags : sequence of Tag
    authors : sequence of str
        The classifiers they were derived from.
    catid : str
        The file's place in UCS; empty if it is not sure enough to be written.
    """
    accepted = [tag for tag in tags if tag.decision == Tag.Decision.ACCEPT]
    words: dict[str, tuple[str, ...]] = {}
    for tag in accepted:
        voices = dict.fromkeys(identity for identity, *_ in tag.why["votes"])
        said_by = (PERSON,) if tag.origin == Tag.Origin.PERSON else tuple(voices)
        for part in tag.name.replace(";", ",").split(","):
            words.setdefault(part.strip(), said_by)
    named = ", ".join(dict.fromkeys(tag.name for tag in accepted if _names_the_sound(tag)))
    category = load_ucs().get(catid)
    return TagSet(
        keywords=tuple(words),
        description=named,
        genre=named,
        category=category.category if category else "",
        subcategory=category.subcategory if category else "",
        catid=catid if category else "",
        authors=tuple(authors) or (PERSON,),
        keyword_authors=words if len(authors) > 1 or (PERSON,) in words.values() else {},
    )


def _names_the_sound(tag: Tag) -> bool:
    by_person = tag.origin == Tag.Origin.PERSON and bool(tag.mid)
    return tag.origin == Tag.Origin.CLASSIFIER or by_person or tag.why["rule"] in STANDS_IN


def _order(
    file: AudioFile, tags: Sequence[Tag], authors: Sequence[str], accept: float
) -> WriteOrder:
    tag_set = file.tag_set
    sure = (tag_set.catid_confidence or 0.0) >= accept
    return WriteOrder(
        file_id=file.pk,
        location=file.location,
        size=file.size,
        mtime_ns=file.mtime_ns,
        audio_hash=file.audio_hash,
        heard=tag_set.audio_hash,
        tags_key=tag_set.tags_key,
        tags=tag_set_of(tags, authors, catid=tag_set.catid if sure else ""),
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
