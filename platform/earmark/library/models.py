"""Libraries, who may use them, their files as last seen, and the record of scans."""

from __future__ import annotations

from pathlib import Path

from django.conf import settings
from django.db import models
from django.db.models import F, Q

from earmark.library.paths import to_location
from earmark.library.roles import Role


class Library(models.Model):
    """A folder of sounds that Earmark looks after.

    `root` is in the text form of `earmark.library.paths`; `root_key` is its fixed-length key, as
    a path may be longer than an index entry.
    """

    name = models.CharField(max_length=200)
    root = models.TextField()
    root_key = models.CharField(max_length=32, editable=False)
    include = models.TextField(
        blank=True,
        default="",
        help_text="Patterns as in .gitignore, one a line, such as *.wav; empty: all sounds.",
    )
    exclude = models.TextField(
        blank=True,
        default="",
        help_text="Patterns of what is left out, one a line, such as /Old/ or *_temp.wav.",
    )
    scan_every = models.PositiveIntegerField(
        null=True,
        blank=True,
        help_text="Minutes from one scan to the next; empty: only when somebody asks.",
    )
    settle_seconds = models.PositiveIntegerField(
        null=True,
        blank=True,
        help_text="Files that changed within so many seconds are left for the next scan, as they "
        "may still be being copied; empty: EARMARK_SETTLE_SECONDS.",
    )
    created_at = models.DateTimeField(auto_now_add=True)
    last_scan_at = models.DateTimeField(null=True, blank=True)
    scan_due_at = models.DateTimeField(null=True, blank=True, editable=False)

    class Meta:
        verbose_name_plural = "libraries"
        constraints = [
            models.UniqueConstraint(fields=["root_key"], name="library_library_root_uniq"),
            models.CheckConstraint(
                condition=Q(scan_every__isnull=True) | Q(scan_every__gte=1),
                name="library_library_scan_every_valid",
            ),
        ]

    def __str__(self) -> str:
        return self.name

    @property
    def location(self) -> Path:
        """Where the library is on this machine."""
        return to_location(self.root)


class LibraryRole(models.Model):
    """What a user, or everybody in a group, may do in a library; see `earmark.library.access`."""

    library = models.ForeignKey(Library, on_delete=models.CASCADE, related_name="roles")
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.CASCADE,
        null=True,
        blank=True,
        related_name="library_roles",
    )
    group = models.ForeignKey(
        "auth.Group",
        on_delete=models.CASCADE,
        null=True,
        blank=True,
        related_name="library_roles",
    )
    role = models.CharField(max_length=10, choices=Role.choices)

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(role__in=["viewer", "reviewer", "editor", "manager"]),
                name="library_libraryrole_role_valid",
            ),
            models.CheckConstraint(
                condition=Q(user__isnull=True) ^ Q(group__isnull=True),
                name="library_libraryrole_one_holder",
                violation_error_message="Choose a user or a group, not both.",
            ),
            models.UniqueConstraint(
                fields=["library", "user"], name="library_libraryrole_user_uniq"
            ),
            models.UniqueConstraint(
                fields=["library", "group"], name="library_libraryrole_group_uniq"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.user or self.group}: {self.role}"


class AudioFileQuerySet(models.QuerySet["AudioFile"]):
    """Named filters of files."""

    def present(self) -> AudioFileQuerySet:
        """Files that were there at the last look and can be read as far as is known."""
        return self.filter(state=AudioFile.State.PRESENT)

    def missing(self) -> AudioFileQuerySet:
        """Files that were gone at the last look."""
        return self.filter(state=AudioFile.State.MISSING)

    def failed(self) -> AudioFileQuerySet:
        """Files that are there but cannot be read."""
        return self.filter(state=AudioFile.State.FAILED)

    def on_disk(self) -> AudioFileQuerySet:
        """Files that are there and wanted, readable or not."""
        return self.filter(state__in=[AudioFile.State.PRESENT, AudioFile.State.FAILED])

    def worth_trying(self) -> AudioFileQuerySet:
        """Files to classify: present ones, and failed ones whose reason may have passed."""
        return self.filter(
            Q(state=AudioFile.State.PRESENT) | Q(state=AudioFile.State.FAILED, error_retryable=True)
        )

    def under(self, folder: str) -> AudioFileQuerySet:
        """Files below a folder of the library (text form, no slash at the end; "" means all)."""
        return self.filter(path__startswith=f"{folder}/") if folder else self

    def identified(self) -> AudioFileQuerySet:
        """Files whose audio identity is known."""
        return self.exclude(audio_hash="")


class AudioFile(models.Model):
    """A stored sound file, as it was when last seen.

    `path` is relative to the library's root, in text form. `audio_hash` names the audio payload
    alone (`earmark_files.identity`): it is empty until a worker has read the file, and again
    after the file's size or time changed. `folder_key` finds the files of one folder
    (`earmark.library.paths.folder_key`); empty until a scan has filled it in.
    """

    class State(models.TextChoices):
        """What is known about the file on disk."""

        PRESENT = "present"
        MISSING = "missing"
        FAILED = "failed"
        EXCLUDED = "excluded", "left out by the library's patterns"

    library = models.ForeignKey(
        Library, on_delete=models.CASCADE, related_name="files", db_index=False
    )
    path = models.TextField()
    path_key = models.CharField(max_length=32, editable=False)
    folder_key = models.BigIntegerField(null=True, editable=False)
    size = models.BigIntegerField()
    mtime_ns = models.BigIntegerField()
    state = models.CharField(max_length=10, choices=State.choices, default=State.PRESENT)
    error_code = models.CharField(max_length=64, blank=True, default="")
    error_message = models.TextField(blank=True, default="")
    error_retryable = models.BooleanField(default=False)
    audio_hash = models.CharField(max_length=128, blank=True, default="")
    audio_bytes = models.BigIntegerField(null=True, blank=True)
    duration = models.FloatField(null=True, blank=True)
    sample_rate = models.PositiveIntegerField(null=True, blank=True)
    channels = models.PositiveSmallIntegerField(null=True, blank=True)
    container = models.CharField(max_length=32, blank=True, default="")
    codec = models.CharField(max_length=64, blank=True, default="")
    first_seen_at = models.DateTimeField()
    last_seen_at = models.DateTimeField()
    identified_at = models.DateTimeField(null=True, blank=True)

    objects = AudioFileQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["library", "path_key"], name="library_audiofile_path_uniq"
            ),
            models.CheckConstraint(
                condition=Q(state__in=["present", "missing", "failed", "excluded"]),
                name="library_audiofile_state_valid",
            ),
            models.CheckConstraint(
                condition=~Q(state="failed") | ~Q(error_code=""),
                name="library_audiofile_failed_has_code",
            ),
            models.CheckConstraint(
                condition=~Q(state="present") | Q(error_code=""),
                name="library_audiofile_present_has_none",
            ),
            models.CheckConstraint(condition=Q(size__gte=0), name="library_audiofile_size_valid"),
        ]
        indexes = [
            models.Index(fields=["library", "state"], name="library_audiofile_state_idx"),
            models.Index(fields=["library", "folder_key"], name="library_audiofile_folder_idx"),
            models.Index(
                fields=["audio_hash"],
                condition=~Q(audio_hash=""),
                name="library_audiofile_hash_idx",
            ),
        ]

    def __str__(self) -> str:
        return self.path

    @property
    def location(self) -> Path:
        """Where the file is; queries should `select_related` the library."""
        return to_location(self.library.root, self.path)


class ScanQuerySet(models.QuerySet["Scan"]):
    """Named filters of scans."""

    def open(self) -> ScanQuerySet:
        """Scans that are still to be finished."""
        return self.filter(state__in=[Scan.State.QUEUED, Scan.State.RUNNING])


class Scan(models.Model):
    """One look through a library: asked for, under way or done, with what it found so far.

    While it runs the row is written with every batch. `cursor` is the last folder that is done
    (text form; it means something once `folders` is not 0): whoever takes the scan over from a
    dead worker goes on behind it. `attempt` grows whenever the scan changes hands and is the
    fencing token: a worker that lost its lease can write nothing more.
    """

    class State(models.TextChoices):
        """How far the scan is."""

        QUEUED = "queued"
        RUNNING = "running"
        SUCCEEDED = "succeeded"
        FAILED = "failed"

    library = models.ForeignKey(Library, on_delete=models.CASCADE, related_name="scans")
    under = models.TextField(blank=True, default="")
    state = models.CharField(max_length=10, choices=State.choices, default=State.QUEUED)
    error_code = models.CharField(max_length=64, blank=True, default="")
    error_message = models.TextField(blank=True, default="")
    found = models.PositiveIntegerField(default=0)
    added = models.PositiveIntegerField(default=0)
    changed = models.PositiveIntegerField(default=0)
    returned = models.PositiveIntegerField(default=0)
    vanished = models.PositiveIntegerField(default=0)
    unchanged = models.PositiveIntegerField(default=0)
    excluded = models.PositiveIntegerField(default=0)
    settling = models.PositiveIntegerField(default=0)
    folders = models.PositiveIntegerField(default=0)
    cursor = models.TextField(blank=True, default="")
    problem_count = models.PositiveIntegerField(default=0)
    problems = models.JSONField(default=list, blank=True)
    worker = models.CharField(max_length=200, blank=True, default="")
    attempt = models.PositiveIntegerField(default=0)
    lost_leases = models.PositiveIntegerField(default=0)
    lease_until = models.DateTimeField(null=True, blank=True)
    requested_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, blank=True
    )
    created_at = models.DateTimeField(auto_now_add=True)
    started_at = models.DateTimeField(null=True, blank=True)
    updated_at = models.DateTimeField(null=True, blank=True)
    finished_at = models.DateTimeField(null=True, blank=True)

    objects = ScanQuerySet.as_manager()

    class Meta:
        ordering = ["-id"]
        constraints = [
            models.CheckConstraint(
                condition=Q(state__in=["queued", "running", "succeeded", "failed"]),
                name="library_scan_state_valid",
            ),
            # One scan of a library is enough: a second request joins the first.
            models.UniqueConstraint(
                fields=["library"], condition=Q(state="queued"), name="library_scan_queued_uniq"
            ),
            models.UniqueConstraint(
                fields=["library"], condition=Q(state="running"), name="library_scan_running_uniq"
            ),
        ]
        indexes = [
            models.Index(
                F("id"), condition=Q(state__in=["queued", "running"]), name="library_scan_open_idx"
            ),
        ]

    def __str__(self) -> str:
        return f"scan {self.pk} of {self.library_id}"
