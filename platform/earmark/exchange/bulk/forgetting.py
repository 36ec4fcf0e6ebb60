"""Forget a library, slice by slice: what is known about its files goes, no sound is touched."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import structlog
from django.contrib.auth.models import User
from django.db import IntegrityError, transaction
from django.db.models import QuerySet

from earmark.accounts.acts import Act
from earmark.accounts.services import record_act
from earmark.core.hints import hint_on_commit
from earmark.exchange.bulk.models import BulkOperation
from earmark.exchange.bulk.services import advance
from earmark.jobs.models import Run
from earmark.library.errors import LibraryBusyError
from earmark.library.models import AudioFile, Library, Scan
from earmark.settings.queues import WRITE
from earmark.tagging.models import TagChange
from earmark.writeback.models import FileRename, TagWrite, WriteRequest

log = structlog.get_logger(__name__)

SLICE = 200
"""Files forgotten in one transaction; see `earmark.exchange.bulk.working.SLICE`."""


@dataclass(frozen=True)
class Loss:
    """What goes with a library and cannot be had again by scanning and classifying.

    Attributes
    ----------
    files : int
    changes : int
        Changes of tags by people.
    writes : int
        Tags that Earmark has written into files and could take back; they stay in the files.
    renames : int
        New names that could be taken back; the files keep them.
    runs : int
        Runs with their history.
    """

    files: int
    changes: int
    writes: int
    renames: int
    runs: int


def count_loss(*, library: Library) -> Loss:
    """Say what would be forgotten with a library."""
    written = TagWrite.objects.filter(file__library=library, state=TagWrite.State.WRITTEN)
    renamed = FileRename.objects.filter(file__library=library, state=FileRename.State.DONE)
    return Loss(
        files=AudioFile.objects.filter(library=library).count(),
        changes=TagChange.objects.filter(file__library=library).count(),
        writes=written.filter(undo__isnull=False).count(),
        renames=renamed.count(),
        runs=Run.objects.filter(library=library).count(),
    )


def list_activity(*, library: Library) -> list[str]:
    """Say what is under way in a library and has to be over before it can be forgotten."""
    files = AudioFile.objects.filter(library=library)
    found = {
        "a scan": Scan.objects.filter(library=library, state=Scan.State.RUNNING).exists(),
        "a run": Run.objects.open().filter(library=library).exists(),
        "an operation on many files": BulkOperation.objects.open().filter(library=library).exists(),
        "a write": bool(_in_writing(files)),
    }
    return [name for name, there in found.items() if there]


def require_rest(*, library: Library) -> None:
    """Let those pass who want to forget a library in which nothing is under way.

    Raises
    ------
    LibraryBusyError
        If something is.
    """
    if activity := list_activity(library=library):
        raise LibraryBusyError(
            f"In the library {library.name!r} there is {', '.join(activity)} under way.",
            hint="Cancel that or wait until it is over.",
            context={"activity": activity},
        )


@transaction.atomic
def submit_forgetting(*, library: Library, requested_by: User) -> BulkOperation:
    """Queue that a library is forgotten; what waits for it now does not begin any more.

    Raises
    ------
    LibraryBusyError
        If something is under way in it.
    """
    Library.objects.select_for_update().get(pk=library.pk)
    require_rest(library=library)
    Library.objects.filter(pk=library.pk).update(scan_every=None, scan_due_at=None)
    library.scans.open().delete()
    WriteRequest.objects.filter(library=library, state=WriteRequest.State.QUEUED).delete()
    loss = vars(count_loss(library=library))
    operation = BulkOperation.objects.create(
        library=library,
        kind=BulkOperation.Kind.FORGET,
        total=loss["files"],
        requested_by=requested_by,
        requested_by_name=requested_by.get_username(),
    )
    details = {"root": library.root, "operation": operation.pk, **loss}
    record_act(act=Act.LIBRARY_REMOVED, on=library, details=details)
    hint_on_commit(WRITE)
    return operation


def forget(operation: BulkOperation) -> Iterator[None]:
    """Forget the files, and then the library with the operation itself.

    Raises
    ------
    LibraryBusyError
        If a file is being written to: somebody has asked for that since.
    """
    library = operation.library
    while _forget_slice(operation):
        yield
    log.info("library_removed", library=library.pk, root=library.root)
    library.delete()


def _forget_slice(operation: BulkOperation) -> bool:
    files = AudioFile.objects.filter(library=operation.library_id)
    try:
        with transaction.atomic():
            # Whoever begins to write to one of them now waits, and finds that it is gone.
            locked = files.select_for_update().order_by("pk")
            ids = list(locked.values_list("pk", flat=True)[:SLICE])
            if not ids:
                return False
            if _in_writing(files.filter(pk__in=ids)):
                raise LibraryBusyError("A file of the library is being written to.")
            files.filter(pk__in=ids).delete()
            advance(operation=operation, cursor=ids[-1], done=len(ids), changed=len(ids))
    except IntegrityError as error:
        raise LibraryBusyError("Something was begun with a file of the library.") from error
    return True


def _in_writing(files: QuerySet[AudioFile]) -> Sequence[int]:
    """Return files whose bytes or name somebody may be changing."""
    planned = {"file__in": files, "state": "planned"}
    writes = TagWrite.objects.filter(**planned).values_list("file", flat=True)
    renames = FileRename.objects.filter(**planned).values_list("file", flat=True)
    asked = WriteRequest.objects.filter(file__in=files, state=WriteRequest.State.RUNNING)
    return [*writes[:1], *renames[:1], *asked.values_list("file", flat=True)[:1]]
