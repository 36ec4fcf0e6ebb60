"""Scans that somebody asked for and a worker carries out, one at a time for each library."""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import asdict
from datetime import timedelta
from typing import Any

import structlog
from django.conf import settings
from django.contrib.auth.models import User
from django.db import IntegrityError, transaction
from django.db.models import Exists, F, OuterRef, Q
from django.db.models.functions import Now
from django.utils import timezone

from earmark.core.errors import EarmarkError
from earmark.core.hints import hint_on_commit
from earmark.library.errors import ScanLostError
from earmark.library.models import Library, Scan
from earmark.library.selectors import list_libraries_due
from earmark.library.services.scanning import ScanProblem, ScanReport, scan_library
from earmark.library.services.scheduling import plan_next_scan
from earmark.settings.queues import SCAN

log = structlog.get_logger(__name__)

_MOST_LOST_LEASES = 5
_COUNTS = (
    *("found", "added", "changed", "returned", "vanished", "unchanged", "excluded", "settling"),
    *("folders", "cursor", "problem_count"),
)
_BEGINNING: dict[str, object] = {**asdict(ScanReport()), "lost_leases": 0}
"""What a row says of a scan that has found nothing yet."""


class _StopAskedError(Exception):
    """Somebody wants the worker to stop; the scan is to be gone on with by another."""


def request_scan(*, library: Library, under: str = "", requested_by: User | None = None) -> Scan:
    """Ask for a scan; a worker picks it up. A scan that waits already is returned as it is."""
    while True:
        try:
            with transaction.atomic():
                hint_on_commit(SCAN)
                return Scan.objects.create(library=library, under=under, requested_by=requested_by)
        except IntegrityError:
            queued = Scan.objects.filter(library=library, state=Scan.State.QUEUED)
            # A wider request includes a narrower one; two different folders need all of it.
            # What a narrower scan that was interrupted has read does not count for the wider one.
            queued.exclude(under__in=["", under]).update(under="", **_BEGINNING)
            waiting = queued.first()
            if waiting is not None:
                return waiting
            # A worker has taken it in this moment, so the next attempt succeeds.


def start_due_scans() -> list[Scan]:
    """Ask for a scan of each library whose time has come and which has none open.

    To be called every few seconds by whoever keeps the time; calling it twice does no harm.
    """
    return [request_scan(library=library) for library in list_libraries_due()]


def restart_scans(*, library: Library) -> None:
    """Let the open scans of a library begin anew, because it has changed. Within a transaction.

    Who carries one out finds that it is not theirs any more, and stops.
    """
    queued = library.scans.filter(state=Scan.State.QUEUED)
    running = library.scans.filter(state=Scan.State.RUNNING)
    if queued.update(**_BEGINNING):
        if running.update(**_superseded()):
            queued.update(under="")
    else:
        running.update(
            state=Scan.State.QUEUED, lease_until=None, attempt=F("attempt") + 1, **_BEGINNING
        )


def claim_scan(
    *, worker: str, dead_workers: Collection[str] = (), library: Library | None = None
) -> Scan | None:
    """Take the oldest scan that waits, or whose worker has shown no sign of life.

    A library that is being scanned by somebody alive is left alone.

    Parameters
    ----------
    worker : str
        Who takes it: unique among the workers of all machines.
    dead_workers : collection of str
        Workers that are known to be dead; their scans need not wait for the end of the lease.
    library : Library, optional
        Take only a scan of this one.
    """
    lost = Q(lease_until__lt=Now()) | Q(worker__in=list(dead_workers))
    free = Q(state=Scan.State.QUEUED) | (Q(state=Scan.State.RUNNING) & lost)
    others = Scan.objects.filter(library=OuterRef("library"), state=Scan.State.RUNNING)
    waiting = Scan.objects.filter(free).exclude(
        Exists(others.exclude(pk=OuterRef("pk"))) & Q(state=Scan.State.QUEUED)
    )
    if library is not None:
        waiting = waiting.filter(library=library)
    for row in waiting.select_related("library").order_by("pk"):
        if row.lost_leases >= _MOST_LOST_LEASES:
            _give_up(row)
        elif _take(row, free, worker):
            row.refresh_from_db()
            return row
    return None


def _take(scan: Scan, free: Q, worker: str) -> bool:
    lost = scan.state == Scan.State.RUNNING
    try:
        with transaction.atomic():
            return bool(
                Scan.objects.filter(free, pk=scan.pk, attempt=scan.attempt).update(
                    state=Scan.State.RUNNING,
                    worker=worker,
                    attempt=F("attempt") + 1,
                    lost_leases=F("lost_leases") + int(lost),
                    lease_until=_lease_end(),
                    started_at=scan.started_at or Now(),
                    updated_at=Now(),
                )
            )
    except IntegrityError:
        return False  # another scan of this library has begun in this moment


def _give_up(scan: Scan) -> None:
    """Fail a scan that no worker survives; the state is what another of us may have changed."""
    rows = Scan.objects.filter(pk=scan.pk, attempt=scan.attempt, state=scan.state)
    rows.update(
        state=Scan.State.FAILED,
        error_code="scan_abandoned",
        error_message=f"{scan.lost_leases + 1} workers ended while they were at it, the last one "
        f"behind the folder {scan.cursor or '/'}. Look at their logs, then scan again.",
        lease_until=None,
        finished_at=Now(),
    )
    log.error("scan_abandoned", scan=scan.pk, library=scan.library_id)


def run_next_scan(
    *,
    worker: str,
    dead_workers: Collection[str] = (),
    should_stop: Callable[[], bool] = bool,
    on_progress: Callable[[ScanReport], None] | None = None,
) -> Scan | None:
    """Claim one scan and carry it out; None where none waits. See `run_scan`."""
    scan = claim_scan(worker=worker, dead_workers=dead_workers)
    if scan is None:
        return None
    return run_scan(scan=scan, should_stop=should_stop, on_progress=on_progress)


def run_scan(
    *,
    scan: Scan,
    should_stop: Callable[[], bool] = bool,
    on_progress: Callable[[ScanReport], None] | None = None,
) -> Scan:
    """Carry out a scan that was claimed, from where the last worker was broken off.

    A library that is offline or empty fails the scan with its reason and changes nothing else.
    A worker that lost its lease stops without a word: the row belongs to another.

    Parameters
    ----------
    scan : Scan
        As `claim_scan` returned it.
    should_stop : callable
        Asked after each batch; when it says so the scan waits again, for another worker.
    on_progress : callable, optional
        Called after each batch and every few seconds.
    """
    held = Scan.objects.filter(pk=scan.pk, attempt=scan.attempt, state=Scan.State.RUNNING)

    def note(report: ScanReport) -> None:
        if not held.update(lease_until=_lease_end(), updated_at=Now(), **_counts(report, scan)):
            raise ScanLostError(f"Scan {scan.pk} is not ours any more.")
        if on_progress is not None:
            on_progress(report)
        if should_stop():
            raise _StopAskedError

    try:
        report = scan_library(
            library=scan.library,
            under=scan.under,
            settle_seconds=settle_seconds_of(scan.library),
            so_far=_report_of(scan),
            on_progress=note,
        )
    except ScanLostError as error:
        log.warning("scan_lost", scan=scan.pk, library=scan.library_id, reason=error.message)
    except _StopAskedError:
        _release(scan, held)
    except EarmarkError as error:
        _finish(
            scan, held, state=Scan.State.FAILED, error_code=error.code, error_message=str(error)
        )
    else:
        _finish(scan, held, state=Scan.State.SUCCEEDED, **_counts(report, scan))
    return Scan.objects.select_related("library").filter(pk=scan.pk).first() or scan


def _finish(scan: Scan, held: Any, **changes: object) -> None:
    with transaction.atomic():
        if not held.update(lease_until=None, updated_at=Now(), finished_at=Now(), **changes):
            return
        if not scan.under:
            began = scan.started_at or timezone.now()
            settling = int(str(changes.get("settling", 0)))
            plan_next_scan(library=scan.library, settling=settling, took=timezone.now() - began)


def _release(scan: Scan, held: Any) -> None:
    """Let the scan wait for another worker; one that waits already will look at everything."""
    try:
        with transaction.atomic():
            held.update(state=Scan.State.QUEUED, worker="", lease_until=None)
    except IntegrityError:
        queued = Scan.objects.filter(library=scan.library_id, state=Scan.State.QUEUED)
        queued.update(under="", **_BEGINNING)
        held.update(**_superseded())


def _superseded() -> dict[str, object]:
    return {
        "state": Scan.State.FAILED,
        "error_code": "scan_superseded",
        "error_message": "Another scan of the library waits, and will look at everything.",
        "attempt": F("attempt") + 1,
        "lease_until": None,
        "finished_at": Now(),
    }


def _report_of(scan: Scan) -> ScanReport:
    counts = {name: getattr(scan, name) for name in _COUNTS}
    return ScanReport(**counts, problems=[ScanProblem(**problem) for problem in scan.problems])


def _counts(report: ScanReport, scan: Scan) -> dict[str, object]:
    """Return what to write of a report; the problems only when there are more than before."""
    counts = {name: getattr(report, name) for name in _COUNTS}
    if len(report.problems) == len(scan.problems):
        return counts
    scan.problems = [asdict(problem) for problem in report.problems]
    return {**counts, "problems": scan.problems}


def settle_seconds_of(library: Library) -> int:
    """Return for how long a file must not have changed before it is touched."""
    own = library.settle_seconds
    return int(settings.EARMARK_SETTLE_SECONDS) if own is None else own


def _lease_end() -> object:
    return Now() + timedelta(seconds=settings.EARMARK_JOB_LEASE_SECONDS)
