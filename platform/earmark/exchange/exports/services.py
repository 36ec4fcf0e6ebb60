"""Exports: from files to the bytes of a format, a piece at a time."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator

from asgiref.sync import sync_to_async

from earmark.exchange.exports.formats import ExportFormat
from earmark.exchange.exports.selectors import BATCH, BatchReader, list_ids
from earmark.library.models import AudioFileQuerySet


def export_files(*, files: AudioFileQuerySet, form: ExportFormat) -> Iterator[bytes]:
    """Yield an export piece by piece: first the heading, then a batch of files each.

    Which files belong to it is asked before the first piece is taken, so what is wrong with the
    question shows at once.
    """
    ids = list_ids(files)

    def pieces() -> Iterator[bytes]:
        yield form.heading
        for batch in BatchReader().read_all(ids):
            yield form.encode(batch)

    return pieces()


def stream_files(*, files: AudioFileQuerySet, form: ExportFormat) -> AsyncIterator[bytes]:
    """Do the same for an asynchronous reader: it waits for one batch while it gets another.

    Nothing is read before the reader wants it, so a slow one costs no memory.
    """
    ids = list_ids(files)
    reader = BatchReader()

    async def pieces() -> AsyncIterator[bytes]:
        if form.heading:
            yield form.heading
        for start in range(0, len(ids), BATCH):
            batch = ids[start : start + BATCH]
            yield await sync_to_async(lambda wanted: form.encode(reader.read(wanted)))(batch)

    return pieces()
