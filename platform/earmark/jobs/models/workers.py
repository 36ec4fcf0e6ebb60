"""Worker processes that have said they are there."""

from __future__ import annotations

from django.db import models
from django.db.models import Q


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
