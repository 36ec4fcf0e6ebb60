"""Uploads: what somebody wants to know about a sound that is not to be kept."""

from __future__ import annotations

import re
import secrets

from django.conf import settings
from django.db import models
from django.db.models import F, Q

_ID = re.compile(r"[0-9a-f]{32}")


def new_upload_id() -> str:
    """Return an id that nobody can guess; it names the bytes on disk, too."""
    return secrets.token_hex(16)


def is_upload_id(text: str) -> bool:
    """Say whether a text could be the id of an upload."""
    return _ID.fullmatch(text) is not None


class UploadQuerySet(models.QuerySet["Upload"]):
    """Named filters of uploads."""

    def queued(self) -> UploadQuerySet:
        """Uploads that wait for a worker."""
        return self.filter(state=Upload.State.QUEUED)

    def running(self) -> UploadQuerySet:
        """Uploads in the hands of a worker."""
        return self.filter(state=Upload.State.RUNNING)

    def open(self) -> UploadQuerySet:
        """Uploads without an answer yet; only these have bytes on disk."""
        return self.filter(state__in=[Upload.State.QUEUED, Upload.State.RUNNING])


class Upload(models.Model):
    """One sound to classify, until its answer has been asked for long enough ago.

    The bytes lie in the data folder (`earmark.uploads.storage`) for as long as there is no answer.
    `classifiers` are identities such as ``audioset@1.1.0``. `attempt` grows whenever a worker takes
    the upload and is the fencing token: a worker that lost its lease can write nothing more.
    `result` is what `earmark.uploads.results` makes.
    """

    class State(models.TextChoices):
        """How far it is."""

        QUEUED = "queued"
        RUNNING = "running"
        DONE = "done"
        FAILED = "failed"

    id = models.CharField(primary_key=True, max_length=32, default=new_upload_id, editable=False)
    owner = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, null=True, related_name="+"
    )
    classifiers = models.JSONField()
    size = models.BigIntegerField()
    start = models.FloatField(default=0.0)
    end = models.FloatField(null=True)
    state = models.CharField(max_length=8, choices=State.choices, default=State.QUEUED)
    result = models.JSONField(null=True)
    error_code = models.CharField(max_length=64, blank=True, default="")
    error_message = models.TextField(blank=True, default="")
    worker = models.CharField(max_length=200, blank=True, default="")
    attempt = models.PositiveIntegerField(default=0)
    lost_leases = models.PositiveIntegerField(default=0)
    lease_until = models.DateTimeField(null=True)
    created_at = models.DateTimeField(auto_now_add=True)
    finished_at = models.DateTimeField(null=True)
    expires_at = models.DateTimeField()

    objects = UploadQuerySet.as_manager()

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(state__in=["queued", "running", "done", "failed"]),
                name="uploads_upload_state_valid",
            ),
            models.CheckConstraint(
                condition=Q(state="running", lease_until__isnull=False)
                | (~Q(state="running") & Q(lease_until__isnull=True, worker="")),
                name="uploads_upload_running_has_lease",
            ),
            models.CheckConstraint(
                condition=Q(state="done", result__isnull=False)
                | (~Q(state="done") & Q(result__isnull=True)),
                name="uploads_upload_done_has_result",
            ),
            models.CheckConstraint(
                condition=(Q(state="failed") & ~Q(error_code=""))
                | (~Q(state="failed") & Q(error_code="")),
                name="uploads_upload_failed_has_code",
            ),
            models.CheckConstraint(
                condition=Q(start__gte=0) & (Q(end__isnull=True) | Q(end__gt=F("start"))),
                name="uploads_upload_part_valid",
            ),
        ]
        indexes = [
            models.Index(
                fields=["created_at"],
                condition=Q(state__in=["queued", "running"]),
                name="uploads_upload_open_idx",
            ),
            models.Index(fields=["expires_at"], name="uploads_upload_expiry_idx"),
        ]

    def __str__(self) -> str:
        return self.id
