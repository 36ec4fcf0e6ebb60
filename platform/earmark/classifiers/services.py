"""Everything that changes what is known about classifiers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

from django.db import transaction

from earmark.classifiers.errors import ClassifierUnavailableError
from earmark.classifiers.models import ClassifierVersion
from earmark.classifiers.registry import Inspection, get_plugin, inspect_plugins, list_plugins
from earmark_plugin_api import Manifest


def refresh_classifiers() -> list[Inspection]:
    """Ask every installed plugin what it is, and bring the rows in line with the answers."""
    inspections = inspect_plugins(list_plugins())
    record_inspections(inspections=inspections)
    return inspections


@transaction.atomic
def record_inspections(*, inspections: Sequence[Inspection]) -> None:
    """Store the manifests of a complete inspection.

    Versions not among them are not installed, and neither are those that lack something here.
    """
    ClassifierVersion.objects.filter(installed=True).update(installed=False)
    for inspection in inspections:
        if inspection.manifest is not None and inspection.usable:
            _store(inspection.manifest, inspection.plugin.distribution)


def register_manifest(*, manifest: Manifest, distribution: str = "") -> ClassifierVersion:
    """Store one classifier as installed, from its manifest; other versions of it are not."""
    return _install(asdict(manifest), distribution)


@transaction.atomic
def _install(manifest: Mapping[str, Any], distribution: str) -> ClassifierVersion:
    others = ClassifierVersion.objects.filter(name=manifest["name"], installed=True)
    others.exclude(version=manifest["version"]).update(installed=False)
    return _store(manifest, distribution)


def _store(manifest: Mapping[str, Any], distribution: str) -> ClassifierVersion:
    plain = ("description", "licence", "sample_rate", "embedding_size", "memory_mb", "calibrated")
    values: dict[str, Any] = {name: manifest[name] for name in plain}
    row, _ = ClassifierVersion.objects.update_or_create(
        name=manifest["name"],
        version=manifest["version"],
        defaults=values
        | {
            "labels": [[label["id"], label["name"]] for label in manifest["labels"]],
            "devices": list(manifest["devices"]),
            "distribution": distribution,
            "installed": True,
        },
    )
    return row


def require_classifier(*, name: str) -> ClassifierVersion:
    """Return the usable version of a classifier, asking its plugin what it is.

    Raises
    ------
    ClassifierUnavailableError
        If there is none of that name, it is broken or lacks something, or it is switched off.
    """
    plugin = get_plugin(name)
    (inspection,) = inspect_plugins([plugin])
    if inspection.manifest is None or not inspection.usable:
        raise ClassifierUnavailableError(
            f"The classifier {name!r} cannot be used: {inspection.message}",
            context={"reason": inspection.code},
        )
    row = _install(inspection.manifest, plugin.distribution)
    if not row.enabled:
        raise ClassifierUnavailableError(f"The classifier {row.identity} is switched off.")
    return row


def require_installed(*, classifier: ClassifierVersion) -> None:
    """See to it that this very version of a classifier can be used here.

    Raises
    ------
    ClassifierUnavailableError
        As `require_classifier`, or if another version is installed.
    """
    installed = require_classifier(name=classifier.name)
    if installed != classifier:
        raise ClassifierUnavailableError(
            f"{classifier.identity} was asked for, {installed.identity} is installed; "
            "start a new run."
        )
