"""The versions of classifiers that have been seen on this installation."""

from __future__ import annotations

from functools import cached_property

from django.db import models
from django.db.models import Q

from earmark_plugin_api import Label


class ClassifierVersionQuerySet(models.QuerySet["ClassifierVersion"]):
    """Named filters of classifier versions."""

    def usable(self) -> ClassifierVersionQuerySet:
        """Versions that are installed and not switched off."""
        return self.filter(installed=True, enabled=True)


class ClassifierVersion(models.Model):
    """A classifier in one version, such as ``audioset@1.0.0``.

    Rows outlive their plugin: results refer to them. `labels` is a list of ``[id, name]`` in the
    order of the score columns, and stored scores refer to positions in it.
    """

    name = models.CharField(max_length=100)
    version = models.CharField(max_length=50)
    description = models.TextField(blank=True, default="")
    licence = models.CharField(max_length=200, blank=True, default="")
    labels = models.JSONField(default=list)
    sample_rate = models.PositiveIntegerField()
    devices = models.JSONField(default=list)
    embedding_size = models.PositiveIntegerField(default=0)
    memory_mb = models.PositiveIntegerField(default=0)
    calibrated = models.BooleanField(default=False)
    distribution = models.CharField(max_length=200, blank=True, default="")
    installed = models.BooleanField(default=True)
    enabled = models.BooleanField(default=True)
    first_seen_at = models.DateTimeField(auto_now_add=True)

    objects = ClassifierVersionQuerySet.as_manager()

    class Meta:
        ordering = ["name", "-id"]
        constraints = [
            models.UniqueConstraint(
                fields=["name", "version"], name="classifiers_version_identity_uniq"
            ),
            models.UniqueConstraint(
                fields=["name"],
                condition=Q(installed=True),
                name="classifiers_version_installed_uniq",
            ),
        ]

    def __str__(self) -> str:
        return self.identity

    @property
    def identity(self) -> str:
        """Name and version: ``audioset@1.0.0``."""
        return f"{self.name}@{self.version}"

    @cached_property
    def label_list(self) -> list[Label]:
        """The vocabulary, in the order of the score columns."""
        return [Label(id=identifier, name=name) for identifier, name in self.labels]

    @cached_property
    def label_positions(self) -> dict[str, int]:
        """Position of each label in the vocabulary, by its id."""
        return {identifier: position for position, (identifier, _) in enumerate(self.labels)}
