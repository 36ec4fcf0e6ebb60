"""Admin page of classifier versions."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.db import models
from django.http import HttpRequest

from earmark.classifiers.models import ClassifierVersion
from earmark.core.admin import ResultAdmin


@admin.register(ClassifierVersion)
class ClassifierVersionAdmin(ResultAdmin):
    """Versions, which can be switched on and off."""

    list_display = ["identity", "installed", "enabled", "label_count", "licence", "distribution"]
    list_filter = ["installed", "enabled"]
    search_fields = ["name", "description"]
    fields = [
        *("name", "version", "enabled", "installed", "description", "licence", "label_count"),
        *("sample_rate", "devices", "embedding_size", "calibrated", "distribution"),
        "first_seen_at",
    ]

    def has_change_permission(self, request: HttpRequest, obj: models.Model | None = None) -> bool:
        """A version can be switched off."""
        return bool(
            request.user.is_active and request.user.has_perm("classifiers.change_classifierversion")
        )

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> list[str]:
        """Everything else is what the plugin says."""
        return [str(name) for name in self.fields if name != "enabled"]

    @admin.display(description="labels")
    def label_count(self, version: ClassifierVersion) -> int:
        """Size of the vocabulary."""
        return len(version.labels)
