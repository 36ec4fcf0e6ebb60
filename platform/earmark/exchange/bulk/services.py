"""Ask for operations on many files, cancel and undo them; claim and hold them for a worker."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta

import structlog
from django.conf import settings
from django.contrib.auth.models import User
from django.db import OperationalError, connection, models, transaction
from django.db.models import F, Q
from django.db.models.functions import Coalesce, Now

from earmark.core.hints import hint_on_commit
from earmark.exchange.bulk.errors import (
    NotUndoableError,
    OperationBusyError,
    OperationLostError,
    OperationOverError,
)
from earmark.exchange.bulk.models import BulkOperation, FoundFile
from earmark.exchange.bulk.selection import BulkSelection, keep_found
from earmark.library.models import Library
from earmark.settings.queues import WRITE

log = structlog.get_logger(__name__)

Kind = BulkOperation.Kind
State = BulkOperation.State
TAG_KINDS = (Kind.ADD, Kind.REMOVE, Kind.REPLACE)
KEPT_PROBLEMS = 100

_LOCK_NOT_AVAILABLE = "55P03"
"""PostgreSQL's word for a wait that took too long."""


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
    OperationBusyError
        If a step of it takes longer than anybody should wait for.
    """
    _wait_for_locks(seconds=1)
    opened = BulkOperation.objects.open().filter(pk=operation.pk)
    try:
        with transaction.atomic():
            cancelled = _close(opened, operation.pk, State.CANCELLED)
    except OperationalError as error:
        if getattr(error.__cause__, "sqlstate", None) != _LOCK_NOT_AVAILABLE:
            raise
        raise OperationBusyError("The operation is in the middle of a long step.") from error
    if not cancelled:
        raise OperationOverError("This operation is over already.")


def list_waiting_operations() -> models.QuerySet[BulkOperation]:
    """Return the operations that wait for a worker now."""
    lost = Q(state=State.RUNNING, lease_until__lt=Now())
    return BulkOperation.objects.filter(Q(state=State.QUEUED) | lost)


def claim_operation(*, worker: str) -> BulkOperation | None:
    """Take the oldest operation that nobody works on; None where there is none.

    One that worker after worker has lost is given up on the way.
    """
    with transaction.atomic():
        waiting = list_waiting_operations().order_by("pk").select_for_update(skip_locked=True)
        while (found := waiting.first()) is not None:
            own = BulkOperation.objects.filter(pk=found.pk)
            losses = found.losses + (found.state == State.RUNNING)
            if losses < settings.EARMARK_JOB_MAX_LOST_LEASES:
                break
            _give_up(own, found.pk, "worker_killed", "Workers were lost")
        else:
            return None
        own.update(
            state=State.RUNNING,
            worker=worker,
            attempt=F("attempt") + 1,
            losses=losses,
            started_at=Coalesce("started_at", Now()),
            lease_until=_lease_end(),
        )
    return own.select_related("library", "requested_by", "undoes").get()


def hold_operation(*, operation: BulkOperation) -> None:
    """Let nobody else have an operation until the transaction ends, however long that takes.

    Raises
    ------
    OperationLostError
        If the operation is somebody else's already.
    """
    if not _held(operation).select_for_update().exists():
        raise OperationLostError(_LOST)


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
        losses=0,
        lease_until=_lease_end(),
    )
    if not held:
        raise OperationLostError(_LOST)
    operation.cursor, operation.problems, operation.losses = cursor, kept, 0


@transaction.atomic
def finish_operation(
    *, operation: BulkOperation, state: State = State.FINISHED, code: str = "", message: str = ""
) -> None:
    """Record that an operation is over, unless it is somebody else's now."""
    _close(_held(operation), operation.pk, state, code, message)


@transaction.atomic
def record_failure(*, operation: BulkOperation, error: Exception) -> None:
    """Give an operation back at which a worker has failed for no known reason, or give it up."""
    if operation.losses + 1 < settings.EARMARK_JOB_MAX_LOST_LEASES:
        _held(operation).update(state=State.QUEUED, losses=F("losses") + 1, **_FREE)
    else:
        what = f"Workers failed ({type(error).__name__})"
        _give_up(_held(operation), operation.pk, "worker_failed", what)


def release_operation(*, operation: BulkOperation) -> None:
    """Give an operation back that is not finished."""
    _held(operation).update(state=State.QUEUED, **_FREE)


def release_operations_of(*, dead_workers: Collection[str]) -> int:
    """Let others have the operations of workers that are known to be dead; return how many."""
    running = BulkOperation.objects.filter(state=State.RUNNING, worker__in=list(dead_workers))
    return running.update(state=State.QUEUED, losses=F("losses") + 1, **_FREE)


_FREE: dict[str, object] = {"worker": "", "lease_until": None}

_LOST = "The operation is somebody else's now, or was cancelled."


def _close(
    rows: models.QuerySet[BulkOperation], pk: int, state: State, code: str = "", message: str = ""
) -> bool:
    """End an operation, if it is among the rows; say whether it was."""
    over = {"state": state, "error_code": code, "error_message": message, "finished_at": Now()}
    closed = bool(rows.update(**over, **_FREE))
    if closed:
        FoundFile.objects.filter(operation=pk).delete()
    return closed


def _give_up(rows: models.QuerySet[BulkOperation], pk: int, code: str, what: str) -> None:
    times = settings.EARMARK_JOB_MAX_LOST_LEASES
    told = f"{what} at it {times} times in a row. What was done before is kept."
    if _close(rows, pk, State.FAILED, code, told):
        log.error("bulk_given_up", operation=pk, code=code)


def _wait_for_locks(*, seconds: int) -> None:
    """Wait for rows that others change no longer than so, in this transaction."""
    if connection.vendor == "postgresql":  # SQLite has its own limit, for all
        with connection.cursor() as cursor:
            cursor.execute(f"SET LOCAL lock_timeout = '{seconds}s'")


def _held(operation: BulkOperation) -> models.QuerySet[BulkOperation]:
    return BulkOperation.objects.filter(
        pk=operation.pk, attempt=operation.attempt, state=State.RUNNING
    )


def _lease_end() -> object:
    return Now() + timedelta(seconds=settings.EARMARK_JOB_LEASE_SECONDS)
