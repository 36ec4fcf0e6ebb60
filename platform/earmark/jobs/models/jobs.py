"""Jobs: one classifier over one file, within one run."""

from __future__ import annotations

from django.db import models
from django.db.models import Q

from earmark.classifiers.models import ClassifierVersion
from earmark.jobs.models.runs import Run
from earmark.library.models import AudioFile


class JobQuerySet(models.QuerySet["Job"]):
    """Named filters of jobs."""

    def queued(self) -> JobQuerySet:
        """Jobs that wait: for a worker, or for the time of their next try."""
        return self.filter(state=Job.State.QUEUED)

    def due(self) -> JobQuerySet:
        """Jobs that wait for a worker, unless their run is paused."""
        return self.queued().filter(not_before=None)

    def running(self) -> JobQuerySet:
        """Jobs that a worker holds."""
        return self.filter(state=Job.State.RUNNING)

    def unfinished(self) -> JobQuerySet:
        """Jobs that are still to be done."""
        return self.filter(state__in=[Job.State.QUEUED, Job.State.RUNNING])


class Job(models.Model):
    """One classifier over one file, within one run.

    `attempts` counts claims and is the fencing token: who completes must name the attempt it
    claimed. `lost_leases` counts the claims whose worker died, and `tries` those that ended with
    a failure that may pass: after one of these the job waits until `not_before`, with the reason
    of the failure, until a sweep finds that it is due. A job with `waits_for` stands aside while
    that job, on the same audio, is running and its lease lasts.
    """

    class State(models.TextChoices):
        """What became of the job."""

        QUEUED = "queued"
        RUNNING = "running"
        SUCCEEDED = "succeeded"
        FAILED = "failed"
        SKIPPED = "skipped"
        CANCELLED = "cancelled"

    # The unique constraint and the claim index begin with these two: no index of their own.
    run = models.ForeignKey(Run, on_delete=models.CASCADE, related_name="jobs", db_index=False)
    classifier = models.ForeignKey(
        ClassifierVersion, on_delete=models.PROTECT, related_name="jobs", db_index=False
    )
    file = models.ForeignKey(AudioFile, on_delete=models.CASCADE, related_name="jobs")
    state = models.CharField(max_length=10, choices=State.choices, default=State.QUEUED)
    reason_code = models.CharField(max_length=64, blank=True, default="")
    reason_message = models.TextField(blank=True, default="")
    retryable = models.BooleanField(default=False)
    attempts = models.PositiveIntegerField(default=0)
    lost_leases = models.PositiveSmallIntegerField(default=0)
    tries = models.PositiveSmallIntegerField(default=0)
    not_before = models.DateTimeField(null=True, blank=True)
    worker = models.CharField(max_length=200, blank=True, default="")
    lease_until = models.DateTimeField(null=True, blank=True)
    waits_for = models.ForeignKey(
        "self", on_delete=models.SET_NULL, null=True, blank=True, related_name="+", db_index=False
    )
    reused_from = models.ForeignKey(
        "self", on_delete=models.SET_NULL, null=True, blank=True, related_name="+", db_index=False
    )
    started_at = models.DateTimeField(null=True, blank=True)
    finished_at = models.DateTimeField(null=True, blank=True)

    objects = JobQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["run", "file", "classifier"], name="jobs_job_once_per_run"
            ),
            models.CheckConstraint(
                condition=Q(
                    state__in=["queued", "running", "succeeded", "failed", "skipped", "cancelled"]
                ),
                name="jobs_job_state_valid",
            ),
            models.CheckConstraint(
                condition=Q(state="running", lease_until__isnull=False) & ~Q(worker="")
                | ~Q(state="running") & Q(lease_until__isnull=True),
                name="jobs_job_running_has_lease",
            ),
            models.CheckConstraint(
                condition=Q(state__in=["queued", "running"], finished_at__isnull=True)
                | Q(state__in=["succeeded", "failed", "skipped", "cancelled"])
                & Q(finished_at__isnull=False),
                name="jobs_job_finished_has_time",
            ),
            models.CheckConstraint(
                condition=~Q(state__in=["failed", "skipped"]) | ~Q(reason_code=""),
                name="jobs_job_failed_has_reason",
            ),
            models.CheckConstraint(
                condition=Q(not_before__isnull=True) | Q(state="queued"),
                name="jobs_job_only_queued_is_delayed",
            ),
        ]
        indexes = [
            # Of one run: a paused one costs claimers nothing, however many jobs it has.
            models.Index(
                fields=["run", "classifier", "lost_leases", "id"],
                condition=Q(state="queued", not_before__isnull=True),
                name="jobs_job_due_idx",
            ),
            models.Index(
                fields=["not_before"],
                condition=Q(not_before__isnull=False),
                name="jobs_job_not_before_idx",
            ),
            models.Index(
                fields=["reason_code"], condition=Q(state="failed"), name="jobs_job_failed_idx"
            ),
            models.Index(
                fields=["lease_until"], condition=Q(state="running"), name="jobs_job_lease_idx"
            ),
            models.Index(fields=["run", "state"], name="jobs_job_run_state_idx"),
            models.Index(
                fields=["waits_for"],
                condition=Q(waits_for__isnull=False),
                name="jobs_job_waits_for_idx",
            ),
            models.Index(
                fields=["reused_from"],
                condition=Q(reused_from__isnull=False),
                name="jobs_job_reused_from_idx",
            ),
        ]

    def __str__(self) -> str:
        return f"job {self.pk}"
