"""Take a sound in, and forget it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from django.conf import settings
from django.contrib.auth.models import User
from django.db import connection, transaction
from django.utils import timezone

from earmark.classifiers.models import ClassifierVersion
from earmark.uploads import storage
from earmark.uploads.errors import UploadsBusyError
from earmark.uploads.models import Upload

_ACCEPTING = 0x55504C4F4144
"""Our advisory lock: "UPLOAD" in ASCII."""


def accept_upload(
    *,
    received: storage.Received,
    classifiers: Sequence[ClassifierVersion],
    start: float = 0.0,
    end: float | None = None,
    owner: User | None = None,
) -> Upload:
    """Queue a sound for the workers.

    Parameters
    ----------
    received : Received
        Its bytes; they belong to the upload from now on, or are deleted if this fails.
    classifiers : sequence of ClassifierVersion
    start, end : float, optional
        The part to listen to, in seconds; by default all of it.
    owner : User, optional
        Who may ask for the answer.

    Raises
    ------
    UploadsBusyError
        If ``EARMARK_UPLOAD_QUEUE`` others wait already.
    """
    try:
        with transaction.atomic():
            _wait_for_turn()
            if Upload.objects.open().count() >= settings.EARMARK_UPLOAD_QUEUE:
                raise UploadsBusyError("Too many uploads wait to be classified.")
            received.keep()
            return Upload.objects.create(
                id=received.upload_id,
                owner=owner,
                classifiers=[one.identity for one in classifiers],
                size=received.size,
                start=start,
                end=end,
                expires_at=expiry(),
            )
    except BaseException:
        received.discard()
        storage.remove_bytes(received.upload_id)
        raise


def _wait_for_turn() -> None:
    """Let one after the other count those that wait, so that none comes in between.

    SQLite lets only one write at a time anyway.
    """
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_xact_lock(%s)", [_ACCEPTING])


def discard_upload(*, upload: Upload) -> None:
    """Delete an upload, whatever has become of it; a worker's answer is then refused."""
    with transaction.atomic():
        Upload.objects.filter(pk=upload.pk).delete()
        transaction.on_commit(lambda: storage.remove_bytes(upload.pk))


def expiry() -> datetime:
    """Return until when an upload that changes now is kept."""
    return timezone.now() + timedelta(seconds=settings.EARMARK_UPLOAD_KEEP_SECONDS)
