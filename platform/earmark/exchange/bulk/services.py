"""Ask for operations on many files, cancel and undo them; claim and hold them for a worker."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta

import structlog
from django.conf import settings
from django.contrib.auth.models import User
from django.db import models, transaction
from django.db.models import F, Q
from django.db.models.functions import Coalesce, Now

from earmark.core.hints import hint_on_commit
from earmark.exchange.bulk.errors import NotUndoableError, OperationLostError, OperationOverError
from earmark.exchange.bulk.models import BulkOperation, FoundFile
from earmark.exchange.bulk.selection import BulkSelection, keep_found
from earmark.library.models import Library
from earmark.settings.queues import WRITE
from earmark.tagging.models import TagChange

log = structlog.get_logger(__name__)

Kind = BulkOperation.Kind
State = BulkOperation.State
TAG_KINDS = (Kind.ADD, Kind.REMOVE, Kind.REPLACE)
KEPT_PROBLEMS = 100


@dataclass(frozen=True)
class Problem:
    """Why nothing was done to a file."""

    file: int
    code: str
    message: str


@transaction.atomic
def submit_operation(
    *,
    library: Library,
    kind: BulkOperation.Kind,
    requested_by: User,
    selection: BulkSelection | None = None,
    options: Mapping[str, object] | None = None,
    comment: str = "",
    undoes: BulkOperation | None = None,
) -> BulkOperation:
    """Queue an operation; workers do it.

    Parameters
    ----------
    library : Library
    kind : BulkOperation.Kind
    requested_by : user
        By whom changes of tags are made.
    selection : BulkSelection, optional
        Which files; by default all of the library.
    options : mapping, optional
        What the operation needs, as JSON: ``tags``, ``write``, ``classifiers``, ``force``.
    comment : str
        Why; kept with each change.
    undoes : BulkOperation, optional
        Whose changes are taken back.

    Raises
    ------
    SelectionError
        If a query cannot be read, or files were named that are not in the library.
    """
    selection = selection or BulkSelection()
    files = selection.all_of(library)
    operation = BulkOperation.objects.create(
        library=library,
        kind=kind,
        selection=selection.as_dict(),
        options=dict(options or {}),
        comment=comment,
        undoes=undoes,
        requested_by=requested_by,
        requested_by_name=requested_by.get_username(),
    )
    if undoes is not None:
        operation.total = undoes.changed
    elif selection.search is not None:
        operation.total = keep_found(operation, files)
    else:
        operation.total = files.count()
    operation.save(update_fields=["total"])
    hint_on_commit(WRITE)
    log.info("bulk_submitted", operation=operation.pk, kind=kind, files=operation.total)
    return operation


@transaction.atomic
def undo_operation(*, operation: BulkOperation, requested_by: User) -> BulkOperation:
    """Queue what takes back all that an operation did to tags.

    Raises
    ------
    NotUndoableError
        If it changed no tags, or is still at it.
    """
    done = BulkOperation.objects.select_for_update(of=("self",)).get(pk=operation.pk)
    if done.kind not in TAG_KINDS:
        raise NotUndoableError("This operation changed no tags.")
    if done.state in (State.QUEUED, State.RUNNING):
        raise NotUndoableError("This operation is not over yet.", hint="Cancel it first.")
    options = {"write": done.options.get("write")}
    return submit_operation(
        library=done.library,
        kind=Kind.UNDO,
        requested_by=requested_by,
        options=options,
        undoes=done,
    )


@transaction.atomic
def cancel_operation(*, operation: BulkOperation) -> None:
    """End an operation where it is; what is done stays done and can be undone.

    Raises
    ------
    OperationOverError
        If it is over already.
    """
    opened = BulkOperation.objects.open().filter(pk=operation.pk)
    if not opened.update(state=State.CANCELLED, finished_at=Now(), **_FREE):
        raise OperationOverError("This operation is over already.")
    FoundFile.objects.filter(operation=operation.pk).delete()


def list_waiting_operations() -> models.QuerySet[BulkOperation]:
    """Return the operations that wait for a worker now."""
    lost = Q(state=State.RUNNING, lease_until__lt=Now())
    return BulkOperation.objects.filter(Q(state=State.QUEUED) | lost)


def claim_operation(*, worker: str) -> BulkOperation | None:
    """Take the oldest operation that nobody works on; None where there is none."""
    with transaction.atomic():
        rows = list_waiting_operations().order_by("pk")
        pk = rows.select_for_update(skip_locked=True).values_list("pk", flat=True).first()
        if pk is None:
            return None
        BulkOperation.objects.filter(pk=pk).update(
            state=State.RUNNING,
            worker=worker,
            attempt=F("attempt") + 1,
            started_at=Coalesce("started_at", Now()),
            lease_until=_lease_end(),
        )
    return BulkOperation.objects.select_related("library", "requested_by", "undoes").get(pk=pk)


def advance(
    *,
    operation: BulkOperation,
    cursor: int,
    done: int,
    changed: int,
    problems: Sequence[Problem] = (),
) -> None:
    """Record that more files are done, and hold the operation for longer.

    Called in the transaction that changes the files: both hold, or neither.

    Raises
    ------
    OperationLostError
        If the operation is somebody else's now.
    """
    told = [[one.file, one.code, one.message] for one in problems]
    kept = [*operation.problems, *told][:KEPT_PROBLEMS]
    held = _held(operation).update(
        cursor=cursor,
        done=F("done") + done,
        changed=F("changed") + changed,
        failed=F("failed") + len(told),
        problems=kept,
        lease_until=_lease_end(),
    )
    if not held:
        raise OperationLostError("The operation is somebody else's now, or was cancelled.")
    operation.cursor, operation.problems = cursor, kept


@transaction.atomic
def finish_operation(
    *, operation: BulkOperation, state: State = State.FINISHED, code: str = "", message: str = ""
) -> None:
    """Record that an operation is over, unless it is somebody else's now."""
    over = {"state": state, "error_code": code, "error_message": message, "finished_at": Now()}
    if _held(operation).update(**over, **_FREE):
        FoundFile.objects.filter(operation=operation.pk).delete()


def release_operation(*, operation: BulkOperation) -> None:
    """Give an operation back that is not finished."""
    _held(operation).update(state=State.QUEUED, **_FREE)


def release_operations_of(*, dead_workers: Collection[str]) -> int:
    """Let others have the operations of workers that are known to be dead; return how many."""
    running = BulkOperation.objects.filter(state=State.RUNNING, worker__in=list(dead_workers))
    return running.update(state=State.QUEUED, **_FREE)


def list_changes(*, operation: BulkOperation, limit: int) -> list[TagChange]:
    """Return the next changes that an undo takes back, with their files."""
    assert operation.undoes is not None
    rows = TagChange.objects.filter(batch=operation.undoes.batch, file__gt=operation.cursor)
    return list(rows.select_related("file__library").order_by("file")[:limit])


_FREE: dict[str, object] = {"worker": "", "lease_until": None}


def _held(operation: BulkOperation) -> models.QuerySet[BulkOperation]:
    return BulkOperation.objects.filter(
        pk=operation.pk, attempt=operation.attempt, state=State.RUNNING
    )


def _lease_end() -> object:
    return Now() + timedelta(seconds=settings.EARMARK_JOB_LEASE_SECONDS)
