"""The queue of files whose tags are to be written: claim, hold, finish, give back.

One request for a file, one writer for a request: a claim is a conditional update with a lease,
and who reports names the attempt it claimed. Writers of all machines together write no more than
``EARMARK_WRITES_PER_VOLUME`` files at once on a volume.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta

import structlog
from django.conf import settings
from django.db import transaction
from django.db.models import Exists, F, Max, OuterRef, Q, QuerySet
from django.db.models.functions import Now

from earmark.library.models import Library
from earmark.writeback.models import TagWrite, WriteRequest
from earmark.writeback.services import WriteOutcome, begin_write, record_write

log = structlog.get_logger(__name__)

MAX_FAILURES = 3
"""A write that failed for a reason that may pass is tried so often, with pauses as jobs have."""


@dataclass(frozen=True)
class ClaimedWrite:
    """A request in the hands of a worker.

    Attributes
    ----------
    request_id, attempt : int
        The claim.
    file_id : int
    run_id : int or None
    tags_key : str
        Of the tags that were asked for when it was claimed.
    """

    request_id: int
    attempt: int
    file_id: int
    run_id: int | None
    tags_key: str


@dataclass(frozen=True)
class ClaimedBatch:
    """Requests on one volume, and how many of them may be written at once; of one library."""

    library: Library
    slots: int
    writes: Sequence[ClaimedWrite]


def list_due_requests() -> QuerySet[WriteRequest]:
    """Return the requests that wait for a writer now."""
    return WriteRequest.objects.filter(state=WriteRequest.State.QUEUED, due_at__lte=Now())


def list_writers() -> QuerySet[WriteRequest, str]:
    """Return who holds requests; those that wait, a million perhaps, are not looked at."""
    held = WriteRequest.objects.filter(state=WriteRequest.State.RUNNING)
    return held.values_list("worker", flat=True).distinct()


def claim_writes(*, worker: str, threads: int, limit: int) -> ClaimedBatch | None:
    """Take requests of one library; None where nothing waits or every volume is busy enough.

    Parameters
    ----------
    worker : str
        Who takes them; it must hold no others.
    threads : int
        How many files it could write at once.
    limit : int
        How many requests to take at most.
    """
    due = list_due_requests().filter(library=OuterRef("pk"))
    waiting = Library.objects.filter(Exists(due)).order_by("pk")
    volumes: dict[int, list[Library]] = {}
    for library in Library.objects.order_by("pk"):
        volumes.setdefault(_volume_of(library), []).append(library)
    found = {library.pk for library in waiting}
    for volume, libraries in volumes.items():
        for library in libraries if volume != _OFFLINE else ():
            if library.pk not in found:
                continue
            batch = _claim(library, [one.pk for one in libraries], worker, threads, limit)
            if batch is not None:
                return batch
    return None


def renew_writes(*, writes: Sequence[ClaimedWrite], worker: str) -> None:
    """Hold requests for longer."""
    with transaction.atomic():
        _lock(writes)
        _held(writes).filter(worker=worker).update(lease_until=_lease_end())


def release_writes(*, writes: Sequence[ClaimedWrite]) -> None:
    """Give requests back that were not begun."""
    if not writes:
        return
    with transaction.atomic():
        _lock(writes)
        _held(writes).update(**_FREE)


def finish_writes(*, tags_keys: Mapping[ClaimedWrite, str]) -> None:
    """Remove requests that are settled; one whose tags have changed meanwhile waits again.

    Parameters
    ----------
    tags_keys : mapping
        Of the tags that were written, or that the file already had.
    """
    if not tags_keys:
        return
    settled = {write.request_id: key for write, key in tags_keys.items()}
    with transaction.atomic():
        held = _lock(list(tags_keys))
        done = [pk for pk, key in held.items() if key == settled[pk]]
        WriteRequest.objects.filter(pk__in=done).delete()
        if len(done) < len(held):
            _held(list(tags_keys)).update(**_FREE)


def postpone_write(*, write: ClaimedWrite) -> None:
    """Let a request wait whose write failed for a reason that may pass; give up after the last.

    Tags that were asked for in the meantime have not failed: they are tried afresh.
    """
    with transaction.atomic():
        row = _held([write]).select_for_update().first()
        if row is None:
            return
        if row.tags_key != write.tags_key:
            _held([write]).update(due_at=Now(), **_FREE)
            return
        if row.failures + 1 >= MAX_FAILURES:
            row.delete()
            return
        delay = timedelta(seconds=settings.EARMARK_JOB_RETRY_SECONDS) * 4**row.failures
        _held([write]).update(failures=F("failures") + 1, due_at=Now() + delay, **_FREE)


def requeue_lost_writes(*, dead_workers: Collection[str] = (), blame: bool = True) -> int:
    """Let others have the requests of dead writers; return how many.

    A file whose writers keep dying is given up, and a failed write says why.

    Parameters
    ----------
    dead_workers : collection of str
        Workers that are known to be dead: their leases count as expired now.
    blame : bool
        Whether the loss counts against the files.
    """
    lost = WriteRequest.objects.filter(
        Q(lease_until__lt=Now()) | Q(worker__in=list(dead_workers)),
        state=WriteRequest.State.RUNNING,
    )
    with transaction.atomic():
        ids = list(lost.select_for_update(skip_locked=True).values_list("pk", flat=True))
        rows = WriteRequest.objects.filter(pk__in=ids)
        rows.update(lost_leases=F("lost_leases") + int(blame), **_FREE)
        for row in rows.filter(lost_leases__gte=settings.EARMARK_JOB_MAX_LOST_LEASES):
            _give_up(row)
    if ids:
        log.warning("writes_swept", requests=len(ids))
    return len(ids)


_FREE: dict[str, object] = {
    "state": WriteRequest.State.QUEUED,
    "worker": "",
    "slots": 0,
    "lease_until": None,
}
_OFFLINE = -1


def _volume_of(library: Library) -> int:
    """Return the number of the volume a library lies on; `_OFFLINE` if it is not there."""
    try:
        return library.location.stat().st_dev
    except OSError:
        return _OFFLINE


def _claim(
    library: Library, neighbours: Sequence[int], worker: str, threads: int, limit: int
) -> ClaimedBatch | None:
    with transaction.atomic():
        # Whoever claims on this volume waits here, so that the count below holds.
        list(
            Library.objects.select_for_update(no_key=True).filter(pk__in=neighbours).order_by("pk")
        )
        running = WriteRequest.objects.filter(
            library__in=neighbours, state=WriteRequest.State.RUNNING
        )
        in_use = sum(
            running.values("worker").annotate(most=Max("slots")).values_list("most", flat=True)
        )
        slots = min(threads, settings.EARMARK_WRITES_PER_VOLUME - in_use)
        if slots < 1:
            return None
        due = list_due_requests().filter(library=library).order_by("due_at", "pk")
        ids = list(due.select_for_update(skip_locked=True).values_list("pk", flat=True)[:limit])
        rows = WriteRequest.objects.filter(pk__in=ids, state=WriteRequest.State.QUEUED)
        rows.update(
            state=WriteRequest.State.RUNNING,
            worker=worker,
            slots=slots,
            attempts=F("attempts") + 1,
            lease_until=_lease_end(),
        )
        taken = WriteRequest.objects.filter(pk__in=ids, worker=worker).order_by("pk")
        writes = [
            ClaimedWrite(row.pk, row.attempts, row.file_id, row.run_id, row.tags_key)
            for row in taken
        ]
    return ClaimedBatch(library, slots, writes) if writes else None


def _held(writes: Sequence[ClaimedWrite]) -> QuerySet[WriteRequest]:
    """Return the rows of claims that still hold."""
    condition = Q(pk__in=[])
    by_attempt: dict[int, list[int]] = {}
    for write in writes:
        by_attempt.setdefault(write.attempt, []).append(write.request_id)
    for attempt, ids in by_attempt.items():
        condition |= Q(attempts=attempt, pk__in=ids)
    return WriteRequest.objects.filter(condition, state=WriteRequest.State.RUNNING)


def _lock(writes: Sequence[ClaimedWrite]) -> dict[int, str]:
    """Take the rows in the order in which others ask for them: nobody waits in a circle.

    Returns what is asked for by now, by request.
    """
    rows = _held(writes).order_by("file_id").select_for_update()
    return dict(rows.values_list("pk", "tags_key"))


def _give_up(row: WriteRequest) -> None:
    write = begin_write(file_id=row.file_id, tags_key=row.tags_key, plan={})
    outcome = WriteOutcome(
        TagWrite.State.FAILED,
        code="worker_killed",
        message="Each worker that wrote to this file was killed, most likely by the file itself. "
        "Write its tags alone, or leave it out.",
    )
    record_write(write_id=write.pk, outcome=outcome)
    row.delete()


def _lease_end() -> object:
    return Now() + timedelta(seconds=settings.EARMARK_JOB_LEASE_SECONDS)
