"""What was asked to be done to many files, and how far it is."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.db.models import F, Q

from earmark.jobs.models import Run
from earmark.library.models import Library


class BulkOperationQuerySet(models.QuerySet["BulkOperation"]):
    """Named filters of operations."""

    def open(self) -> BulkOperationQuerySet:
        """Operations that are still to be finished."""
        return self.filter(state__in=[BulkOperation.State.QUEUED, BulkOperation.State.RUNNING])


class BulkOperation(models.Model):
    """One thing to be done to many files of a library, file after file by their numbers.

    `selection` says which: ``under``, ``query`` (`earmark.jobs.selection`), ``files`` (ids),
    ``run``, ``search`` (see `FoundFile`); what it leaves out narrows nothing. `options` is what
    the operation needs. `cursor` is the last file that is done and moves in the transaction that
    changes the files, so that nothing is done twice or left out whoever dies. `attempt` grows
    when the operation changes hands and is the fencing token; `losses` counts the workers that
    have failed at it since it last got further. `problems` are the first of the failures: file,
    code and message.
    """

    class Kind(models.TextChoices):
        """What is done."""

        ADD = "add", "add tags"
        REMOVE = "remove", "remove tags"
        REPLACE = "replace", "replace all tags"
        UNDO = "undo", "take back what another operation did to tags"
        WRITE = "write", "write tags into the files"
        UNDO_WRITES = "undo_writes", "take the newest writes back"
        RERUN = "rerun", "classify again"
        DERIVE = "derive", "derive tags anew by the policy of today"
        FORGET = "forget", "forget the library; no sound is touched"

    class State(models.TextChoices):
        """How far it is."""

        QUEUED = "queued"
        RUNNING = "running"
        FINISHED = "finished"
        FAILED = "failed"
        CANCELLED = "cancelled"

    library = models.ForeignKey(Library, on_delete=models.CASCADE, related_name="bulk_operations")
    kind = models.CharField(max_length=11, choices=Kind.choices)
    selection = models.JSONField(default=dict, blank=True)
    options = models.JSONField(default=dict, blank=True)
    comment = models.CharField(max_length=500, blank=True, default="")
    undoes = models.ForeignKey(
        "self", on_delete=models.SET_NULL, null=True, blank=True, related_name="undone_by"
    )
    run = models.ForeignKey(
        Run, on_delete=models.SET_NULL, null=True, blank=True, related_name="+", db_index=False
    )
    state = models.CharField(max_length=9, choices=State.choices, default=State.QUEUED)
    error_code = models.CharField(max_length=64, blank=True, default="")
    error_message = models.TextField(blank=True, default="")
    total = models.PositiveIntegerField(default=0)
    done = models.PositiveIntegerField(default=0)
    changed = models.PositiveIntegerField(default=0)
    failed = models.PositiveIntegerField(default=0)
    problems = models.JSONField(default=list, blank=True)
    cursor = models.BigIntegerField(default=0)
    attempt = models.PositiveIntegerField(default=0)
    losses = models.PositiveSmallIntegerField(default=0)
    worker = models.CharField(max_length=200, blank=True, default="")
    lease_until = models.DateTimeField(null=True, blank=True)
    requested_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, blank=True
    )
    requested_by_name = models.CharField(max_length=150)
    created_at = models.DateTimeField(auto_now_add=True)
    started_at = models.DateTimeField(null=True, blank=True)
    finished_at = models.DateTimeField(null=True, blank=True)

    objects = BulkOperationQuerySet.as_manager()

    class Meta:
        ordering = ["-id"]
        constraints = [
            models.CheckConstraint(
                condition=Q(state__in=["queued", "running", "finished", "failed", "cancelled"]),
                name="exchange_bulk_state_valid",
            ),
            models.CheckConstraint(
                condition=Q(
                    kind__in=[
                        *("add", "remove", "replace", "undo"),
                        *("write", "undo_writes", "rerun", "derive", "forget"),
                    ]
                ),
                name="exchange_bulk_kind_valid",
            ),
            models.CheckConstraint(
                condition=~Q(state="failed") | ~Q(error_code=""),
                name="exchange_bulk_failed_has_code",
            ),
            models.CheckConstraint(
                condition=Q(state="running", lease_until__isnull=False) & ~Q(worker="")
                | ~Q(state="running") & Q(lease_until__isnull=True, worker=""),
                name="exchange_bulk_running_has_lease",
            ),
        ]
        indexes = [
            models.Index(
                F("id"), condition=Q(state__in=["queued", "running"]), name="exchange_bulk_open_idx"
            ),
        ]

    def __str__(self) -> str:
        return f"bulk operation {self.pk}"

    @property
    def batch(self) -> str:
        """What the changes of tags that it makes share."""
        return f"bulk-{self.pk}"


class FoundFile(models.Model):
    """A file that an operation is about because the search found it when it was asked for.

    What people saw in the search is what is changed, whatever is found once it is changed. Kept
    until the operation is over. No foreign key to the file: one that is gone is passed over.
    """

    operation = models.ForeignKey(
        BulkOperation, on_delete=models.CASCADE, related_name="found", db_index=False
    )
    file_id = models.BigIntegerField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["operation", "file_id"], name="exchange_found_once"),
        ]

    def __str__(self) -> str:
        return f"file {self.file_id} of operation {self.operation_id}"
