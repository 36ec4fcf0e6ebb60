"""Bringing the index up to date: what was noted as changed is read anew and written at once.

Notes are taken away in the transaction that writes the index, before the files are read: what is
changed after that has a note of its own. There is one indexer at a time, or an older reading
could replace a newer one. Killed at any moment, nothing is lost and nothing counted twice.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from itertools import islice

from django.db import transaction

from earmark.search.backends import search_backend
from earmark.search.change_log import EMBEDDINGS, FILES
from earmark.search.documents import Document, place_of
from earmark.search.models import (
    DocumentTerms,
    EmbeddingRow,
    IndexerLock,
    SearchDocument,
)
from earmark.search.services.collecting import read_records
from earmark.search.services.terms import Terms, apply_counts, terms_as_text, terms_from_text
from earmark.tagging.services.bulk import insert_rows

BATCH = 500
"""Files a transaction: well below what a statement may have as values."""

_EMBEDDINGS_AT_ONCE = 2000


@dataclass(frozen=True)
class Indexed:
    """What was done.

    Attributes
    ----------
    files : int
        That were looked at again.
    written : int
        Of them those whose place in the index is another now.
    finished : bool
        Whether nothing was left to do; False also if another indexer is at work.
    """

    files: int
    written: int
    finished: bool


def index_changes(
    *, seconds: float | None = None, report: Callable[[int], None] | None = None
) -> Indexed:
    """Bring the index up to date with what has changed.

    Parameters
    ----------
    seconds : float, optional
        Begin nothing new after so long; by default go on to the end.
    report : callable, optional
        Gets the number of files after each batch.
    """
    began = time.monotonic()
    files = written = 0
    while True:
        batch = _index_batch()
        if batch is None:
            return Indexed(files, written, finished=False)
        files += batch.files
        written += batch.written
        if report is not None:
            report(batch.files)
        if batch.finished:
            return Indexed(files, written, finished=True)
        if seconds is not None and time.monotonic() - began > seconds:
            return Indexed(files, written, finished=False)


def rebuild_index(*, report: Callable[[int], None] | None = None) -> Indexed:
    """Look at every file again, whether a change of it was noted or not."""
    with transaction.atomic():
        SearchDocument.objects.update(content_key="")
        FILES.mark_everything()
        EMBEDDINGS.mark_everything()
    return index_changes(report=report)


def _index_batch() -> Indexed | None:
    """Do some files and embeddings in one transaction; None if somebody else is at work."""
    IndexerLock.objects.get_or_create(pk=1)
    with transaction.atomic():
        lock = IndexerLock.objects.select_for_update(skip_locked=True)
        if lock.first() is None:
            return None
        embeddings = _number_embeddings()
        file_ids = FILES.take(BATCH)
        if not file_ids:
            return Indexed(0, 0, finished=not embeddings)
        written = _bring_up_to_date(file_ids)
    return Indexed(len(file_ids), written, finished=False)


def _bring_up_to_date(file_ids: Collection[int]) -> int:
    documents = [Document(record) for record in read_records(file_ids)]
    stored = SearchDocument.objects.filter(file_id__in=file_ids)
    before = {
        place: (library_id, key)
        for place, library_id, key in stored.values_list("place", "library_id", "content_key")
    }
    changed = [
        one
        for one in documents
        if one.place not in before or before[one.place][1] != one.content_key
    ]
    gone = {place_of(pk) for pk in file_ids} - {one.place for one in documents}
    gone &= before.keys()
    if not changed and not gone:
        return 0
    libraries = {place: library_id for place, (library_id, _) in before.items()}
    _count_terms(changed, gone, libraries)
    backend = search_backend()
    if gone:
        backend.remove(gone)
    if changed:
        backend.store(changed)
    return len(changed) + len(gone)


def _count_terms(
    changed: Sequence[Document], gone: Collection[int], libraries: dict[int, int]
) -> None:
    """Take what these files had added to the counts back, and add what they have now."""
    counts: Counter[tuple[int, str, str]] = Counter()
    places = {one.place for one in changed} | set(gone)
    rows = DocumentTerms.objects.filter(place__in=places)
    known: dict[int, Terms] = {
        place: terms_from_text(text) for place, text in rows.values_list("place", "terms")
    }
    for place, terms in known.items():
        counts.subtract((libraries[place], *term) for term in terms)
    for one in changed:
        counts.update((one.record.library_id, *term) for term in one.terms)
    apply_counts({term: number for term, number in counts.items() if number})
    DocumentTerms.objects.filter(place__in=gone).delete()
    news = ((one.place, terms_as_text(one.terms)) for one in changed)
    insert_rows(DocumentTerms, ("place", "terms"), news, replacing="place")


def _number_embeddings() -> int:
    """Give new embeddings their row; returns how many there were to look at."""
    sets = EMBEDDINGS.take(_EMBEDDINGS_AT_ONCE)
    if sets:
        EmbeddingRow.objects.filter(prediction_set_id__in=sets).delete()
        _add_rows(sets)
    return len(sets)


def _add_rows(sets: Collection[int]) -> None:
    from earmark.jobs.models import PredictionSet

    kept = PredictionSet.objects.filter(pk__in=sets, embedding__isnull=False).order_by("pk")
    rows = iter(kept.values_list("classifier_id", "pk"))
    while batch := list(islice(rows, BATCH)):
        insert_rows(EmbeddingRow, ("classifier_id", "prediction_set_id"), batch)
