"""Runs, and what happened to them."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Now

from earmark.classifiers.models import ClassifierVersion
from earmark.library.models import Library


class RunQuerySet(models.QuerySet["Run"]):
    """Named filters of runs."""

    def open(self) -> RunQuerySet:
        """Runs that still have work to do."""
        return self.filter(state__in=[Run.State.QUEUED, Run.State.RUNNING])

    def unpaused(self) -> RunQuerySet:
        """Runs whose jobs may be claimed, as long as they are open."""
        return self.filter(paused_at=None)

    def to_follow_up(self) -> RunQuerySet:
        """Runs that may go on, with work to do or later steps after it."""
        return (
            self.unpaused()
            .exclude(state=Run.State.CANCELLED)
            .filter(
                Q(state__in=[Run.State.QUEUED, Run.State.RUNNING])
                | Q(**{f"options__{Run.FOLLOW_UP}": True})
            )
        )


class Run(models.Model):
    """One submission: these files, through these classifiers, in this way.

    `options` is what the later steps of the run need and jobs do not look at (threshold, whether
    to write). As long as it says `FOLLOW_UP`, those steps may be unfinished although all jobs are
    done; see `earmark.jobs.services.settle_follow_up`. `OWNER` names the process that works on
    it alone, if there is one.

    `selection` says which of the files below `under` were meant (`earmark.jobs.selection`); empty
    for all of them. Workers take no jobs of a run while `paused_at` is set.
    """

    FOLLOW_UP = "follow_up"
    OWNER = "worker"

    class State(models.TextChoices):
        """How far the run is; whether its jobs went well is told by their counts."""

        QUEUED = "queued"
        RUNNING = "running"
        FINISHED = "finished"
        CANCELLED = "cancelled"

    class Mode(models.TextChoices):
        """Which files are classified."""

        MISSING = "missing", "only what has no result yet"
        FORCE = "force", "everything anew"

    library = models.ForeignKey(Library, on_delete=models.CASCADE, related_name="runs")
    under = models.TextField(blank=True, default="")
    selection = models.JSONField(default=dict, blank=True)
    classifiers = models.ManyToManyField(ClassifierVersion, related_name="runs")
    mode = models.CharField(max_length=10, choices=Mode.choices, default=Mode.MISSING)
    options = models.JSONField(default=dict, blank=True)
    priority = models.SmallIntegerField(default=0)
    max_tries = models.PositiveSmallIntegerField(default=3)
    state = models.CharField(max_length=10, choices=State.choices, default=State.QUEUED)
    paused_at = models.DateTimeField(null=True, blank=True)
    requested_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, blank=True
    )
    created_at = models.DateTimeField(auto_now_add=True)
    started_at = models.DateTimeField(null=True, blank=True)
    finished_at = models.DateTimeField(null=True, blank=True)

    objects = RunQuerySet.as_manager()

    class Meta:
        ordering = ["-id"]
        constraints = [
            models.CheckConstraint(
                condition=Q(state__in=["queued", "running", "finished", "cancelled"]),
                name="jobs_run_state_valid",
            ),
            models.CheckConstraint(
                condition=Q(mode__in=["missing", "force"]), name="jobs_run_mode_valid"
            ),
            models.CheckConstraint(condition=Q(max_tries__gte=1), name="jobs_run_max_tries_valid"),
        ]
        indexes = [
            models.Index(
                F("id"), condition=Q(state__in=["queued", "running"]), name="jobs_run_open_idx"
            ),
        ]

    def __str__(self) -> str:
        return f"run {self.pk}"

    @property
    def standing(self) -> str:
        """The state as people see it: its name, or ``paused``."""
        return "paused" if self.paused_at else self.state


class RunEvent(models.Model):
    """Something that happened to a run, for those who watch it; rows are added, never changed.

    Written in the transaction that changes the jobs. The ids of one run's events grow in the
    order in which they become visible: who has read up to one misses none by asking for those
    after it. `jobs` says how many the event concerns, `audio_seconds` how long the sound is that
    they classified.
    """

    class Kind(models.TextChoices):
        """What happened."""

        SUBMITTED = "submitted"
        STARTED = "started"
        SUCCEEDED = "succeeded"
        REUSED = "reused"
        FAILED = "failed"
        DELAYED = "delayed", "failed, to be tried again"
        LOST = "lost", "queued again after the end of a worker"
        PAUSED = "paused"
        RESUMED = "resumed"
        RETRIED = "retried", "failed jobs queued again by a person"
        CANCELLED = "cancelled"
        FINISHED = "finished"

    run = models.ForeignKey(Run, on_delete=models.CASCADE, related_name="events", db_index=False)
    kind = models.CharField(max_length=10, choices=Kind.choices)
    jobs = models.PositiveIntegerField(default=0)
    audio_seconds = models.FloatField(default=0.0)
    payload = models.JSONField(default=dict, blank=True)
    created_at = models.DateTimeField(db_default=Now(), db_index=True)

    class Meta:
        indexes = [models.Index(fields=["run", "id"], name="jobs_runevent_run_idx")]

    def __str__(self) -> str:
        return f"run {self.run_id}: {self.kind}"
