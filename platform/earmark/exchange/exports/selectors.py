"""Reads what exports say, a batch of files at a time.

The ids of all files are taken first, in one query and eight bytes each: what belongs to an export
is settled when it begins. After that each batch is a handful of short queries, so that a reader
who takes hours keeps neither a transaction nor a cursor open, and memory does not grow with the
number of files.
"""

from __future__ import annotations

from array import array
from collections.abc import Iterator, Sequence

from django.db.models import Exists, F, OuterRef
from django.db.models.fields.json import KT

from earmark.exchange.exports.values import ExportedFile, ExportedTag
from earmark.jobs.models import Job, Run
from earmark.jobs.selection import Selection
from earmark.library.models import AudioFile, AudioFileQuerySet, Library
from earmark.search.selectors import Request
from earmark.search.selectors.searching import Search
from earmark.tagging.knowledge import Evidence, load_ucs
from earmark.tagging.knowledge.tags import STANDS_IN
from earmark.tagging.models import Tag
from earmark.tagging.selectors import get_evidence, get_policy

BATCH = 500
_IDS_AT_ONCE = 2_000

_FURTHER_WORDS = frozenset({Tag.Origin.ONTOLOGY, Tag.Origin.SYNONYM, Tag.Origin.TRANSLATION})


def list_files_to_export(
    *,
    files: AudioFileQuerySet,
    run: Run | None = None,
    selection: Selection | None = None,
    words: str = "",
) -> AudioFileQuerySet:
    """Return the files of an export: those on disk, and of all that is given.

    Parameters
    ----------
    files : AudioFileQuerySet
        Those that may be seen.
    run : Run, optional
    selection : Selection, optional
    words : str
        What the search finds (`earmark.search.query`).

    Raises
    ------
    earmark.jobs.errors.SelectionError
        If the selection cannot be understood, or names files that are not among `files`.
    """
    if selection is not None:
        files = selection.apply(files)
    if run is not None:
        files = files.filter(Exists(Job.objects.filter(run=run, file=OuterRef("pk"))))
    if words:
        files = files.filter(pk__in=Search(Request(words)).matching().values("file_id"))
    return files.on_disk()


def list_ids(files: AudioFileQuerySet) -> array[int]:
    """Return the ids of files in their order, eight bytes each."""
    rows = files.order_by("pk").values_list("pk", flat=True)
    return array("q", rows.iterator(chunk_size=_IDS_AT_ONCE))


class BatchReader:
    """Reads batches of files; remembers what it has learnt about their libraries."""

    def __init__(self) -> None:
        self._libraries: dict[int, tuple[Library, float]] = {}

    def read(self, ids: Sequence[int]) -> list[ExportedFile]:
        """Return what is known of some files now; those that are gone meanwhile are left out."""
        files = AudioFile.objects.filter(pk__in=ids).select_related("tag_set").order_by("pk")
        tags = _read_tags(ids)
        evidence = get_evidence(file_ids=ids)
        return [
            self._exported(file, tags.get(file.pk, ()), evidence.get(file.pk, Evidence()))
            for file in files
        ]

    def read_all(self, ids: Sequence[int], size: int = BATCH) -> Iterator[list[ExportedFile]]:
        """Yield the batches one after the other."""
        for start in range(0, len(ids), size):
            yield self.read(ids[start : start + size])

    def _exported(
        self, file: AudioFile, tags: Sequence[ExportedTag], said: Evidence
    ) -> ExportedFile:
        library, accept = self._library(file.library_id)
        catid, category, subcategory = _category(file, said, accept)
        accepted = [tag for tag in tags if tag.decision == Tag.Decision.ACCEPT]
        named = ", ".join(dict.fromkeys(tag.name for tag in accepted if tag.names_the_sound))
        words = dict.fromkeys((*said.keywords, *(tag.name for tag in accepted)))
        return ExportedFile(
            id=file.pk,
            library=library.name,
            root=library.root,
            path=file.path,
            audio_hash=file.audio_hash,
            container=file.container,
            codec=file.codec,
            duration=file.duration,
            sample_rate=file.sample_rate,
            channels=file.channels,
            catid=catid,
            category=category,
            subcategory=subcategory,
            description=said.description or named,
            keywords=tuple(words),
            tags=tuple(tags),
        )

    def _library(self, pk: int) -> tuple[Library, float]:
        """Return a library, and from which confidence on its files get a category."""
        if pk not in self._libraries:
            library = Library.objects.get(pk=pk)
            self._libraries[pk] = library, get_policy(library=library).accept
        return self._libraries[pk]


def _read_tags(ids: Sequence[int]) -> dict[int, list[ExportedTag]]:
    rows = (
        Tag.objects.filter(file__in=ids)
        .exclude(decision=Tag.Decision.DROP)
        .order_by("file", F("confidence").desc(nulls_last=True), "pk")
        .values_list("file", "name", "confidence", "decision", "origin", "label", KT("why__rule"))
    )
    found: dict[int, list[ExportedTag]] = {}
    for file, name, confidence, decision, origin, label, rule in rows:
        names_the_sound = origin not in _FURTHER_WORDS or rule in STANDS_IN
        tag = ExportedTag(name, confidence, decision, origin, label, names_the_sound)
        found.setdefault(file, []).append(tag)
    return found


def _category(file: AudioFile, said: Evidence, accept: float) -> tuple[str, str, str]:
    """Return CatID, category and subcategory: a person's, else Earmark's where that is sure."""
    if said.catid or said.category or said.subcategory:
        return said.catid, said.category, said.subcategory
    tag_set = getattr(file, "tag_set", None)
    if tag_set is None or (tag_set.catid_confidence or 0.0) < accept:
        return "", "", ""
    category = load_ucs().get(tag_set.catid)
    return (category.catid, category.category, category.subcategory) if category else ("", "", "")
