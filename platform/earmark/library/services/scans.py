"""Scans that somebody asked for and a worker carries out."""

from __future__ import annotations

from dataclasses import asdict
from datetime import timedelta

from django.conf import settings
from django.contrib.auth.models import User
from django.db import IntegrityError, transaction
from django.db.models import Q
from django.db.models.functions import Now

from earmark.core.errors import EarmarkError
from earmark.library.models import Library, Scan
from earmark.library.services.scanning import ScanProgress, ScanReport, scan_library

_PROBLEMS_KEPT = 1000


def request_scan(*, library: Library, under: str = "", requested_by: User | None = None) -> Scan:
    """Ask for a scan; a worker picks it up. A scan that waits already is returned as it is."""
    while True:
        try:
            with transaction.atomic():
                return Scan.objects.create(library=library, under=under, requested_by=requested_by)
        except IntegrityError:
            queued = Scan.objects.filter(library=library, state=Scan.State.QUEUED)
            # A wider request includes a narrower one; two different folders need all of it.
            queued.exclude(under__in=["", under]).update(under="")
            waiting = queued.first()
            if waiting is not None:
                return waiting
            # A worker has taken it in this moment, so the next attempt succeeds.


def claim_scan(*, worker: str) -> Scan | None:
    """Take the oldest scan that waits, or whose worker has shown no sign of life."""
    free = Q(state=Scan.State.QUEUED) | Q(state=Scan.State.RUNNING, lease_until__lt=Now())
    for scan in Scan.objects.filter(free).select_related("library").order_by("pk"):
        taken = Scan.objects.filter(free, pk=scan.pk).update(
            state=Scan.State.RUNNING, worker=worker, lease_until=_lease_end(), started_at=Now()
        )
        if taken:
            scan.refresh_from_db()
            return scan
    return None


def run_next_scan(*, worker: str) -> Scan | None:
    """Claim one scan and carry it out; None where none waits.

    A library that is offline or empty fails the scan with its reason and changes nothing else.

    Parameters
    ----------
    worker : str
        Who does it: unique among the workers of all machines.
    """
    scan = claim_scan(worker=worker)
    if scan is None:
        return None
    held = Scan.objects.filter(pk=scan.pk, worker=worker, state=Scan.State.RUNNING)

    def renew(progress: ScanProgress) -> None:
        held.update(
            lease_until=_lease_end(),
            found=progress.found,
            added=progress.added,
            changed=progress.changed,
        )

    try:
        report = scan_library(library=scan.library, under=scan.under, on_progress=renew)
    except EarmarkError as error:
        held.update(
            state=Scan.State.FAILED,
            error_code=error.code,
            error_message=str(error),
            lease_until=None,
            finished_at=Now(),
        )
    else:
        held.update(
            state=Scan.State.SUCCEEDED, lease_until=None, finished_at=Now(), **_counts(report)
        )
    scan.refresh_from_db()
    return scan


def _counts(report: ScanReport) -> dict[str, object]:
    return {
        "found": report.found,
        "added": report.added,
        "changed": report.changed,
        "returned": report.returned,
        "vanished": report.vanished,
        "problems": [asdict(problem) for problem in report.problems[:_PROBLEMS_KEPT]],
    }


def _lease_end() -> object:
    return Now() + timedelta(seconds=settings.EARMARK_JOB_LEASE_SECONDS)
