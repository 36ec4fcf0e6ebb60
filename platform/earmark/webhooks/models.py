"""Whom to tell of what, and what became of the telling."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.db.models.functions import Now

from earmark.library.models import Library


class Event(models.TextChoices):
    """What a webhook may be about."""

    RUN_SUBMITTED = "run.submitted", "a run was submitted"
    RUN_PAUSED = "run.paused", "a run was paused"
    RUN_RESUMED = "run.resumed", "a run goes on"
    RUN_CANCELLED = "run.cancelled", "a run was cancelled"
    RUN_FINISHED = "run.finished", "all jobs of a run are done, well or not"
    SCAN_SUCCEEDED = "scan.succeeded", "a library was looked through"
    SCAN_FAILED = "scan.failed", "a library could not be looked through"


TEST_EVENT = "webhook.test"
"""What somebody sends who tries a webhook; every webhook gets it."""


class Webhook(models.Model):
    """An address that is told of events, of one library or of all.

    The secret is kept as it is, for every delivery is signed with it; it is shown once. It is told
    what happens from `told_from` on. What happened up to `seen_until` was looked at, but for
    transactions that had not ended then.
    """

    library = models.ForeignKey(
        Library, on_delete=models.CASCADE, null=True, blank=True, related_name="webhooks"
    )
    url = models.TextField()
    events = models.JSONField(default=list)
    secret = models.CharField(max_length=100)
    active = models.BooleanField(default=True)
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, blank=True
    )
    created_at = models.DateTimeField(db_default=Now())
    told_from = models.DateTimeField(db_default=Now())
    seen_until = models.DateTimeField(db_default=Now())

    class Meta:
        ordering = ["-id"]
        constraints = [
            models.CheckConstraint(condition=~Q(url=""), name="webhooks_webhook_url_given"),
            models.CheckConstraint(condition=~Q(secret=""), name="webhooks_webhook_secret_given"),
        ]

    def __str__(self) -> str:
        return f"webhook {self.pk}"


class Delivery(models.Model):
    """One message to one webhook, and how often it was tried.

    `source` is the id of the row it tells of, so that nothing is told twice. `attempts` counts
    claims and is the fencing token; those up to `attempts_before` were made before somebody asked
    for it to be sent again. Whoever claims a delivery moves `next_try_at` behind the time
    the try may take, so that one whose worker dies is due again by itself. `http_status`,
    `error_code` and `error_message` are those of the last try. The answer's content is never
    kept: nobody shall read other machines' pages here.
    """

    class State(models.TextChoices):
        """What became of it."""

        QUEUED = "queued"
        DELIVERED = "delivered"
        FAILED = "failed", "given up after the last try"

    # The unique constraint begins with it: no index of its own.
    webhook = models.ForeignKey(
        Webhook, on_delete=models.CASCADE, related_name="deliveries", db_index=False
    )
    event = models.CharField(max_length=32)
    source = models.BigIntegerField()
    body = models.TextField()
    state = models.CharField(max_length=10, choices=State.choices, default=State.QUEUED)
    attempts = models.PositiveSmallIntegerField(default=0)
    attempts_before = models.PositiveSmallIntegerField(default=0, editable=False)
    next_try_at = models.DateTimeField(null=True, blank=True, db_default=Now())
    http_status = models.PositiveSmallIntegerField(null=True, blank=True)
    error_code = models.CharField(max_length=64, blank=True, default="")
    error_message = models.TextField(blank=True, default="")
    created_at = models.DateTimeField(db_default=Now(), db_index=True)
    finished_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        verbose_name_plural = "deliveries"
        ordering = ["-id"]
        constraints = [
            models.UniqueConstraint(
                fields=["webhook", "event", "source"], name="webhooks_delivery_once"
            ),
            models.CheckConstraint(
                condition=Q(state="queued", next_try_at__isnull=False, finished_at__isnull=True)
                | Q(
                    state__in=["delivered", "failed"],
                    next_try_at__isnull=True,
                    finished_at__isnull=False,
                ),
                name="webhooks_delivery_open_or_finished",
            ),
            models.CheckConstraint(
                condition=~Q(state="failed") | ~Q(error_code=""),
                name="webhooks_delivery_failed_has_code",
            ),
        ]
        indexes = [
            models.Index(
                fields=["next_try_at"],
                condition=Q(state="queued"),
                name="webhooks_delivery_due_idx",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.event} to webhook {self.webhook_id}"
