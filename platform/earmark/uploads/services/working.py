"""Take uploads, hold them, answer them: what workers do."""

from __future__ import annotations

import math
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import Any

from django.conf import settings
from django.db import transaction
from django.db.models import F, Q
from django.db.models.functions import Now

from earmark.uploads import storage
from earmark.uploads.models import Upload, UploadQuerySet
from earmark.uploads.results import UploadResult
from earmark.uploads.services.accepting import expiry


@dataclass(frozen=True)
class ClaimedUpload:
    """An upload in the hands of a worker.

    Attributes
    ----------
    upload_id : str
    attempt : int
        The fencing token.
    location : Path
        Where its bytes are.
    size : int
    classifiers : tuple of str
        Identities.
    start, end : float
        The part to listen to, in seconds; `end` is infinite for the end of the sound.
    lost_leases : int
        How many workers died holding it.
    """

    upload_id: str
    attempt: int
    location: Path
    size: int
    classifiers: tuple[str, ...]
    start: float
    end: float
    lost_leases: int


def claim_uploads(
    *, worker: str, limit: int, hosted: Collection[str] | None = None
) -> list[ClaimedUpload]:
    """Take queued uploads whose bytes are on this machine, the oldest first.

    Never gives one upload to two workers: each is taken with one conditional update.

    Parameters
    ----------
    worker : str
        Who takes them.
    limit : int
    hosted : collection of str, optional
        Identities of classifiers: stop before the first upload that wants another, so that it
        does not wait for ever behind younger ones.
    """
    claimed: list[ClaimedUpload] = []
    waiting = Upload.objects.queued().order_by("lost_leases", "created_at")
    for upload in waiting if limit > 0 else ():
        if not storage.has_bytes(upload.pk):
            continue
        if hosted is not None and not set(upload.classifiers) <= set(hosted):
            break
        if _take(upload, worker):
            claimed.append(_describe(upload))
            if len(claimed) >= limit:
                break
    return claimed


def renew_uploads(*, uploads: Sequence[ClaimedUpload], worker: str) -> list[ClaimedUpload]:
    """Hold uploads for longer; return those that were lost meanwhile."""
    held = Upload.objects.running().filter(_matching(uploads), worker=worker)
    held.update(lease_until=Now() + _lease())
    kept = set(held.values_list("pk", "attempt"))
    return [one for one in uploads if (one.upload_id, one.attempt) not in kept]


def release_uploads(*, uploads: Sequence[ClaimedUpload], worker: str) -> int:
    """Give back what was not done; that is not held against it. Return how many."""
    held = Upload.objects.running().filter(_matching(uploads), worker=worker)
    return held.update(state=Upload.State.QUEUED, worker="", lease_until=None)


def complete_upload(*, upload: ClaimedUpload, result: UploadResult) -> bool:
    """Store the answer and delete the bytes; return False if the upload was lost meanwhile."""
    return _finish(upload, state=Upload.State.DONE, result=result.to_json())


def fail_upload(*, upload: ClaimedUpload, code: str, message: str) -> bool:
    """Say why there is no answer and delete the bytes; else as `complete_upload`."""
    return _finish(upload, state=Upload.State.FAILED, error_code=code, error_message=message)


def _finish(upload: ClaimedUpload, **values: Any) -> bool:
    with transaction.atomic():
        done = finish(Upload.objects.running().filter(_matching([upload])), **values)
        if done:
            transaction.on_commit(partial(storage.remove_bytes, upload.upload_id))
    return bool(done)


def finish(uploads: UploadQuerySet, **values: Any) -> int:
    """End uploads; the bytes are the caller's to delete. Return how many."""
    return uploads.update(
        worker="", lease_until=None, finished_at=Now(), expires_at=expiry(), **values
    )


def _take(upload: Upload, worker: str) -> bool:
    free = Upload.objects.queued().filter(pk=upload.pk, attempt=upload.attempt)
    return bool(
        free.update(
            state=Upload.State.RUNNING,
            worker=worker,
            attempt=F("attempt") + 1,
            lease_until=Now() + _lease(),
        )
    )


def _describe(upload: Upload) -> ClaimedUpload:
    return ClaimedUpload(
        upload_id=upload.pk,
        attempt=upload.attempt + 1,
        location=storage.bytes_of(upload.pk),
        size=upload.size,
        classifiers=tuple(upload.classifiers),
        start=upload.start,
        end=math.inf if upload.end is None else upload.end,
        lost_leases=upload.lost_leases,
    )


def _matching(uploads: Sequence[ClaimedUpload]) -> Q:
    """Select exactly these, as long as they are in the attempt that was claimed."""
    match = Q(pk__in=[])
    for one in uploads:
        match |= Q(pk=one.upload_id, attempt=one.attempt)
    return match


def _lease() -> timedelta:
    return timedelta(seconds=settings.EARMARK_JOB_LEASE_SECONDS)
