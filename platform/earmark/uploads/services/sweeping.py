"""What dead workers and people who never came back have left."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

import structlog
from django.conf import settings
from django.db import transaction
from django.db.models import F, Q
from django.db.models.functions import Now

from earmark.uploads import storage
from earmark.uploads.models import Upload
from earmark.uploads.services.working import finish

log = structlog.get_logger(__name__)


@dataclass(frozen=True)
class UploadSweep:
    """Numbers: uploads queued again, given up, forgotten, and files deleted that nobody needs."""

    requeued: int
    failed: int
    expired: int
    files: int


def sweep_uploads(*, dead_workers: Collection[str] = ()) -> UploadSweep:
    """Queue again what dead workers hold, and delete what has expired and what is left on disk.

    An upload that has lost its worker ``EARMARK_JOB_MAX_LOST_LEASES`` times fails with
    ``worker_killed``.

    Parameters
    ----------
    dead_workers : collection of str
        Workers that are known to be dead: their leases count as expired now.
    """
    requeued, failed = _release(dead_workers)
    expired = _forget_expired()
    return UploadSweep(requeued, failed, expired, _remove_strays())


def _release(dead_workers: Collection[str]) -> tuple[int, int]:
    lost = Q(lease_until__lt=Now()) | Q(worker__in=list(dead_workers))
    worst = settings.EARMARK_JOB_MAX_LOST_LEASES - 1
    with transaction.atomic():
        rows = Upload.objects.running().filter(lost).select_for_update(skip_locked=True)
        held = Upload.objects.running().filter(pk__in=list(rows.values_list("pk", flat=True)))
        failed = finish(
            held.filter(lost_leases__gte=worst),
            state=Upload.State.FAILED,
            error_code="worker_killed",
            error_message="Each worker that tried this sound was killed, most likely by the sound "
            "itself or for want of memory.",
        )
        requeued = held.update(
            state=Upload.State.QUEUED,
            worker="",
            lease_until=None,
            lost_leases=F("lost_leases") + 1,
        )
    if requeued or failed:
        log.warning("uploads_swept", requeued=requeued, failed=failed)
    return requeued, failed


def _forget_expired() -> int:
    """Delete rows whose time is over; of those that a worker holds the lease decides."""
    expired = Upload.objects.filter(expires_at__lt=Now()).exclude(state=Upload.State.RUNNING)
    ids = list(expired.values_list("pk", flat=True))
    count, _ = Upload.objects.filter(pk__in=ids).exclude(state=Upload.State.RUNNING).delete()
    for upload_id in ids:
        if not Upload.objects.filter(pk=upload_id).exists():
            storage.remove_bytes(upload_id)
    return count


def _remove_strays() -> int:
    rows = dict(Upload.objects.values_list("pk", "state"))
    done = {Upload.State.DONE, Upload.State.FAILED}
    finished = {upload_id for upload_id, state in rows.items() if state in done}
    removed = 0
    # Looked at after the rows: an upload that came meanwhile is too young to be taken for stray.
    for path in storage.list_stray(rows.keys() - finished, finished):
        path.unlink(missing_ok=True)
        removed += 1
    return removed
