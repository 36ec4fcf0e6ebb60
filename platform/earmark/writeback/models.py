"""The record of what was written into which file, and of files that got another name."""

from __future__ import annotations

from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Now

from earmark.jobs.models import Run
from earmark.library.models import AudioFile, Library


class TagWriteQuerySet(models.QuerySet["TagWrite"]):
    """Named filters of tag writes."""

    def settled(self) -> TagWriteQuerySet:
        """Writes after which the file is as it should be: nothing to do again."""
        return self.filter(
            state__in=[
                TagWrite.State.WRITTEN,
                TagWrite.State.UNCHANGED,
                TagWrite.State.REFUSED,
                TagWrite.State.UNDONE,
            ]
        )


class TagWrite(models.Model):
    """One attempt to bring a file's own metadata in line with its tags.

    A row is made before the file is touched (`planned`) and told the outcome afterwards, so a
    write that a dying process may or may not have done is never unknown. `tags_key` is that of
    the tag set written; `file_size` and `file_mtime_ns` are the file's afterwards.
    """

    class State(models.TextChoices):
        """What became of the write."""

        PLANNED = "planned"
        WRITTEN = "written"
        UNCHANGED = "unchanged", "nothing to change"
        REFUSED = "refused", "refused, file untouched"
        FAILED = "failed", "failed, file untouched"
        UNDONE = "undone"

    file = models.ForeignKey(
        AudioFile, on_delete=models.CASCADE, related_name="tag_writes", db_index=False
    )
    tags_key = models.CharField(max_length=64)
    state = models.CharField(max_length=10, choices=State.choices, default=State.PLANNED)
    target = models.TextField(blank=True, default="")
    plan = models.JSONField(default=dict, blank=True)
    undo = models.JSONField(null=True, blank=True)
    error_code = models.CharField(max_length=64, blank=True, default="")
    error_message = models.TextField(blank=True, default="")
    file_size = models.BigIntegerField(null=True, blank=True)
    file_mtime_ns = models.BigIntegerField(null=True, blank=True)
    created_at = models.DateTimeField(auto_now_add=True)
    finished_at = models.DateTimeField(null=True, blank=True)
    undone_at = models.DateTimeField(null=True, blank=True)

    objects = TagWriteQuerySet.as_manager()

    class Meta:
        ordering = ["-id"]
        constraints = [
            models.CheckConstraint(
                condition=Q(
                    state__in=["planned", "written", "unchanged", "refused", "failed", "undone"]
                ),
                name="writeback_tagwrite_state_valid",
            ),
            models.CheckConstraint(
                condition=~Q(state__in=["refused", "failed"]) | ~Q(error_code=""),
                name="writeback_tagwrite_failed_has_code",
            ),
            models.CheckConstraint(
                condition=Q(state="planned", finished_at__isnull=True)
                | ~Q(state="planned") & Q(finished_at__isnull=False),
                name="writeback_tagwrite_finished_has_time",
            ),
            models.CheckConstraint(
                condition=~Q(state="undone") | Q(undone_at__isnull=False),
                name="writeback_tagwrite_undone_has_time",
            ),
        ]
        indexes = [
            models.Index(F("file"), F("id").desc(), name="writeback_tagwrite_file_idx"),
            # People look for those among a million that went well.
            models.Index(
                F("id").desc(), condition=Q(state="failed"), name="writeback_tagwrite_failed_idx"
            ),
            models.Index(
                F("id").desc(), condition=Q(state="refused"), name="writeback_tagwrite_refused_idx"
            ),
        ]

    def __str__(self) -> str:
        return f"write {self.pk} to file {self.file_id}"


class FileRename(models.Model):
    """One change of a file's name.

    A row is made before the file gets its new name (`planned`) and told the outcome afterwards,
    so that a rename in which a process died is finished or given up, never unknown. Paths are
    relative to the library, in text form. `sidecars` are the names of the files that go with it,
    ``[[old, new], ...]``, in the same folder. Renames of one command share a `batch`.
    """

    class State(models.TextChoices):
        """What became of the rename."""

        PLANNED = "planned"
        DONE = "done"
        FAILED = "failed", "failed, file keeps its name"
        UNDONE = "undone"

    file = models.ForeignKey(
        AudioFile, on_delete=models.CASCADE, related_name="renames", db_index=False
    )
    batch = models.CharField(max_length=32)
    old_path = models.TextField()
    new_path = models.TextField()
    sidecars = models.JSONField(default=list, blank=True)
    state = models.CharField(max_length=10, choices=State.choices, default=State.PLANNED)
    error_code = models.CharField(max_length=64, blank=True, default="")
    error_message = models.TextField(blank=True, default="")
    created_at = models.DateTimeField(auto_now_add=True)
    finished_at = models.DateTimeField(null=True, blank=True)
    undone_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["-id"]
        constraints = [
            models.CheckConstraint(
                condition=Q(state__in=["planned", "done", "failed", "undone"]),
                name="writeback_filerename_state_valid",
            ),
            models.CheckConstraint(
                condition=~Q(state="failed") | ~Q(error_code=""),
                name="writeback_filerename_failed_has_code",
            ),
            models.CheckConstraint(
                condition=Q(state="planned", finished_at__isnull=True)
                | ~Q(state="planned") & Q(finished_at__isnull=False),
                name="writeback_filerename_finished_has_time",
            ),
        ]
        indexes = [
            models.Index(F("file"), F("id").desc(), name="writeback_filerename_file_idx"),
            models.Index(fields=["batch"], name="writeback_filerename_batch_idx"),
            models.Index(
                F("id"), condition=Q(state="planned"), name="writeback_filerename_open_idx"
            ),
        ]

    def __str__(self) -> str:
        return f"rename {self.pk} of file {self.file_id}"


class WriteRequest(models.Model):
    """A file whose tags are to be written into it by a worker; gone once that is settled.

    `tags_key` is that of the tag set as it was asked for last, and `run` the run by whose rules
    it was derived; without one the tags are written as they are, whatever they rest on.
    `attempts` counts claims and is the fencing token. `slots` is the number of files its worker
    writes at once, which together keep a volume from being flooded. What became of it is told by
    the file's `TagWrite` rows.
    """

    class State(models.TextChoices):
        """Whether somebody is at it."""

        QUEUED = "queued"
        RUNNING = "running"

    file = models.OneToOneField(AudioFile, on_delete=models.CASCADE, related_name="write_request")
    # The index of those that wait begins with it: no index of its own.
    library = models.ForeignKey(
        Library, on_delete=models.CASCADE, related_name="write_requests", db_index=False
    )
    run = models.ForeignKey(
        Run, on_delete=models.CASCADE, null=True, blank=True, related_name="write_requests"
    )
    tags_key = models.CharField(max_length=64)
    state = models.CharField(max_length=10, choices=State.choices, default=State.QUEUED)
    attempts = models.PositiveIntegerField(default=0)
    failures = models.PositiveSmallIntegerField(default=0)
    lost_leases = models.PositiveSmallIntegerField(default=0)
    due_at = models.DateTimeField(db_default=Now())
    slots = models.PositiveSmallIntegerField(default=0)
    worker = models.CharField(max_length=200, blank=True, default="")
    lease_until = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(state="running", lease_until__isnull=False) & ~Q(worker="")
                | Q(state="queued", lease_until__isnull=True, worker=""),
                name="writeback_writerequest_running_has_lease",
            ),
        ]
        indexes = [
            models.Index(
                fields=["library", "due_at"],
                condition=Q(state="queued"),
                name="writeback_request_due_idx",
            ),
            models.Index(
                fields=["lease_until"],
                condition=Q(state="running"),
                name="writeback_request_lease_idx",
            ),
        ]

    def __str__(self) -> str:
        return f"request {self.pk}, {self.state}"
