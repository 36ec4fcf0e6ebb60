"""Forget a library. Its files stay as they are."""

from __future__ import annotations

import structlog
from django.db import transaction

from earmark.library.errors import LibraryBusyError
from earmark.library.models import AudioFile, Library, Scan

log = structlog.get_logger(__name__)

_FILES_AT_ONCE = 1000


def remove_library(*, library: Library) -> int:
    """Forget a library and all that is known about its files; returns how many there were.

    No sound is touched: tags that were written stay in the files, but can no longer be taken
    back. Scores are kept by audio, so a library that is added again need not be heard again.
    Rows go in batches; what was broken off is finished by calling it again.

    Raises
    ------
    LibraryBusyError
        If the library is being scanned.
    """
    with transaction.atomic():
        Library.objects.select_for_update().get(pk=library.pk)
        if library.scans.filter(state=Scan.State.RUNNING).exists():
            raise LibraryBusyError(f"The library {library.name!r} is being scanned.")
        Library.objects.filter(pk=library.pk).update(scan_every=None, scan_due_at=None)
        library.scans.all().delete()
    count = 0
    files = AudioFile.objects.filter(library=library).order_by("pk")
    while keys := list(files.values_list("pk", flat=True)[:_FILES_AT_ONCE]):
        AudioFile.objects.filter(pk__in=keys).delete()
        count += len(keys)
    log.info("library_removed", library=library.pk, root=library.root, files=count)
    library.delete()
    return count
