"""Runs, their jobs, and what the classifiers said."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Now

from earmark.classifiers.models import ClassifierVersion
from earmark.library.models import AudioFile, Library


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


class PredictionSet(models.Model):
    """What one classifier version says about one piece of audio, kept once however many files.

    `scores` is a list of ``[position, score, start, end]``, highest score first: the label's
    position in `ClassifierVersion.labels`, the clip score in [0, 1], and the seconds of the
    window that spoke most for it (or null). `earmark.jobs.scores` packs and unpacks it.
    `timeline` holds the scores of the windows (`earmark.jobs.timeline`). `embedding` describes
    the whole sound: the mean over its windows, of length one, as little-endian float16. Both are
    null in results of versions that did not keep them; `embedding` also where the classifier
    has none.
    """

    classifier = models.ForeignKey(
        ClassifierVersion, on_delete=models.PROTECT, related_name="prediction_sets"
    )
    audio_hash = models.CharField(max_length=128)
    scores = models.JSONField()
    timeline = models.BinaryField(null=True)
    embedding = models.BinaryField(null=True)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        verbose_name = "predictions"
        verbose_name_plural = "predictions"
        constraints = [
            models.UniqueConstraint(
                fields=["audio_hash", "classifier"], name="jobs_predictionset_audio_uniq"
            ),
            models.CheckConstraint(
                condition=~Q(audio_hash=""), name="jobs_predictionset_audio_known"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.classifier_id} on {self.audio_hash}"


class PredictionFailure(models.Model):
    """That one classifier version cannot do one piece of audio, and why.

    Runs that look for what is missing leave such pairs out: the same would come of it. A changed
    file is other audio, a mended classifier another version; a forced run tries again.
    """

    classifier = models.ForeignKey(
        ClassifierVersion, on_delete=models.PROTECT, related_name="prediction_failures"
    )
    audio_hash = models.CharField(max_length=128)
    code = models.CharField(max_length=64)
    message = models.TextField(blank=True, default="")
    failed_at = models.DateTimeField(auto_now=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["audio_hash", "classifier"], name="jobs_predictionfailure_audio_uniq"
            ),
            models.CheckConstraint(
                condition=~Q(audio_hash=""), name="jobs_predictionfailure_audio_known"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.classifier_id} on {self.audio_hash}: {self.code}"


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


class Worker(models.Model):
    """A process that does jobs, as it last described itself.

    `host_time` is the clock of its host and `last_seen_at` the clock of the database at the same
    moment: their difference tells whether the two agree. What it does not know is null.
    """

    name = models.CharField(max_length=200, unique=True)
    host = models.CharField(max_length=200)
    queues = models.JSONField(default=list)
    classifiers = models.JSONField(default=list)
    device = models.CharField(max_length=50, blank=True, default="")
    batch_fill = models.FloatField(null=True, blank=True)
    device_memory_used = models.BigIntegerField(null=True, blank=True)
    device_memory_total = models.BigIntegerField(null=True, blank=True)
    started_at = models.DateTimeField(auto_now_add=True)
    host_time = models.DateTimeField()
    last_seen_at = models.DateTimeField(db_index=True)

    class Meta:
        ordering = ["name"]
        constraints = [
            models.CheckConstraint(
                condition=Q(batch_fill__isnull=True) | Q(batch_fill__gte=0, batch_fill__lte=1),
                name="jobs_worker_batch_fill_valid",
            ),
        ]

    def __str__(self) -> str:
        return self.name
