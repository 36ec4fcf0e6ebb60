"""Questions about classifiers that the database answers."""

from __future__ import annotations

from earmark.classifiers.models import ClassifierVersion


def list_usable_classifiers() -> list[ClassifierVersion]:
    """Return the installed versions that are not switched off, by name."""
    return list(ClassifierVersion.objects.usable().order_by("name"))
