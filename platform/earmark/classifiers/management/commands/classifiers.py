"""Show which classifiers are installed, and why one of them cannot be used."""

from __future__ import annotations

import json
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand

from earmark.classifiers.models import ClassifierVersion
from earmark.classifiers.registry import Inspection
from earmark.classifiers.services import refresh_classifiers
from earmark.core.database import ensure_migrated


class Command(BaseCommand):
    """`earmark classifiers [--json]`."""

    help = "Show the installed classifiers, and why one of them cannot be used."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Declare the options."""
        parser.add_argument("--json", action="store_true", help="one JSON object per line")

    def handle(self, *args: Any, **options: Any) -> None:
        """Ask every plugin what it is and print the answers."""
        ensure_migrated()
        disabled = set(
            ClassifierVersion.objects.filter(enabled=False).values_list("name", "version")
        )
        for inspection in refresh_classifiers():
            report = _report(inspection, disabled)
            self.stdout.write(json.dumps(report) if options["json"] else _line(report))


def _report(inspection: Inspection, disabled: set[tuple[str, str]]) -> dict[str, Any]:
    manifest = inspection.manifest or {}
    identity = (manifest.get("name", inspection.plugin.name), manifest.get("version", ""))
    return {
        "name": inspection.plugin.name,
        "version": manifest.get("version"),
        "status": _status(inspection, identity in disabled),
        "code": inspection.code,
        "message": inspection.message,
        "distribution": inspection.plugin.distribution,
        "labels": len(manifest.get("labels", [])),
        "sample_rate": manifest.get("sample_rate"),
        "devices": manifest.get("devices", []),
        "licence": manifest.get("licence", ""),
        "description": manifest.get("description", ""),
    }


def _status(inspection: Inspection, disabled: bool) -> str:
    if inspection.manifest is None:
        return "broken"
    if not inspection.usable:
        return "unavailable"
    return "disabled" if disabled else "ok"


def _line(report: dict[str, Any]) -> str:
    head = f"{report['name']}@{report['version']}" if report["version"] else report["name"]
    line = f"{head:<24} {report['status']:<11}"
    if report["status"] in {"broken", "unavailable"}:
        return f"{line} {report['code']}: {report['message']} ({report['distribution']})"
    return (
        f"{line} {report['labels']} labels, {report['sample_rate']} Hz, "
        f"{'/'.join(report['devices'])}, {report['licence']} ({report['distribution']})"
    )
