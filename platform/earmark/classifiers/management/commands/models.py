"""Fetch the weights of classifiers that do not come with Earmark."""

from __future__ import annotations

import json
import sys
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError
from rich.console import Console
from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeRemainingColumn

from earmark.classifiers.downloads.catalogue import CATALOGUE, Weights, get_weights
from earmark.classifiers.downloads.store import ModelsFolder, Trust
from earmark.classifiers.errors import (
    ChecksumMismatchError,
    ChecksumUnknownError,
    DownloadError,
    OfflineError,
    UnknownWeightsError,
)

EXIT_STATUS: dict[type[DownloadError], int] = {
    UnknownWeightsError: 2,
    OfflineError: 3,
    ChecksumMismatchError: 4,
    ChecksumUnknownError: 4,
}
"""Everything else ends with 1."""


class Command(BaseCommand):
    """`earmark models list|pull|verify|remove`."""

    help = "List, fetch, check and remove weights of classifiers that do not come with Earmark."
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Declare the actions and their options."""
        actions = parser.add_subparsers(dest="action", required=True, metavar="ACTION")
        listing = actions.add_parser("list", help="show what can be fetched and what is here")
        pulling = actions.add_parser("pull", help="fetch weights, check and install them")
        checking = actions.add_parser("verify", help="compare files with their checksums")
        removing = actions.add_parser("remove", help="delete fetched files")
        pulling.add_argument("names", nargs="+", metavar="NAME")
        checking.add_argument("names", nargs="*", metavar="NAME", help="default: all that are here")
        removing.add_argument("names", nargs="+", metavar="NAME")
        pulling.add_argument(
            "--mirror", default="", metavar="URL", help="fetch the files from this folder instead"
        )
        pulling.add_argument(
            "--accept-checksum",
            default="",
            metavar="SHA256",
            help="what the one file named must be, where Earmark does not know it",
        )
        pulling.add_argument(
            "--trust-on-first-use",
            action="store_true",
            help="where Earmark does not know the checksum, believe and remember what comes",
        )
        for action in (listing, pulling, checking, removing):
            action.add_argument("--json", action="store_true", help="one JSON object per line")

    def handle(self, *args: Any, **options: Any) -> None:
        """Do what was asked for; failures end with the status that `EXIT_STATUS` names."""
        folder = ModelsFolder(Path(settings.EARMARK_MODELS_DIR))
        action = {"list": self._list, "pull": self._pull, "verify": self._verify}
        try:
            action.get(options["action"], self._remove)(folder, options)
        except DownloadError as error:
            status = EXIT_STATUS.get(type(error), 1)
            raise CommandError(f"{error.code}: {error}", returncode=status) from error
        except KeyboardInterrupt:
            self.stderr.write("Stopped; what has come is kept, and the same command goes on.")
            sys.exit(130)

    def _list(self, folder: ModelsFolder, options: dict[str, Any]) -> None:
        for weights in CATALOGUE:
            report = _report(weights, folder)
            size = f"{report['size'] / 1e6:.1f} MB" if report["size"] else "? MB"
            self._tell(
                options,
                report,
                f"{weights.name:<18} {report['status']:<10} {size:>8}  {weights.licence:<10} "
                f"{weights.description}; checksum {weights.checksum_source}",
            )

    def _pull(self, folder: ModelsFolder, options: dict[str, Any]) -> None:
        wanted = [get_weights(name) for name in options["names"]]
        if options["accept_checksum"] and len(wanted) > 1:
            raise DownloadError("--accept-checksum goes with one name only.")
        trust = Trust(options["accept_checksum"], options["trust_on_first_use"])
        for weights in wanted:
            with _progress() as progress:
                task = progress.add_task(weights.name, total=weights.size)
                pulled = folder.pull(
                    weights,
                    on_progress=lambda done, total, task=task, bar=progress: bar.update(  # type: ignore[misc]
                        task, completed=done, total=total
                    ),
                    trust=trust,
                    mirror=options["mirror"],
                )
            if pulled.trusted:
                self.stderr.write(
                    f"Nobody vouches for this file. Its SHA-256, {pulled.sha256}, was written "
                    f"down beside it; from now on {weights.file_name} has to have it."
                )
            self._tell(
                options,
                _report(weights, folder) | {"fetched": pulled.fetched},
                f"{weights.name} is in {pulled.path}. {weights.needs}".strip(),
            )

    def _verify(self, folder: ModelsFolder, options: dict[str, Any]) -> None:
        named = [get_weights(name) for name in options["names"]]
        here = [weights for weights in CATALOGUE if folder.path(weights).is_file()]
        reports = [_report(weights, folder) for weights in named or here]
        for report in reports:
            self._tell(options, report, f"{report['name']:<18} {report['status']}")
        bad = [report["name"] for report in reports if report["status"] != "ok"]
        if bad:
            raise ChecksumMismatchError(f"Not as published: {', '.join(bad)}.")

    def _remove(self, folder: ModelsFolder, options: dict[str, Any]) -> None:
        for weights in [get_weights(name) for name in options["names"]]:
            freed = folder.remove(weights)
            self._tell(
                options,
                _report(weights, folder) | {"freed": freed},
                f"{weights.name} is removed." if freed else f"{weights.name} was not here.",
            )

    def _tell(self, options: dict[str, Any], report: dict[str, Any], line: str) -> None:
        self.stdout.write(json.dumps(report) if options["json"] else line)


def _report(weights: Weights, folder: ModelsFolder) -> dict[str, Any]:
    path = folder.path(weights)
    return {
        "name": weights.name,
        "status": folder.check(weights),
        "path": str(path),
        "size": path.stat().st_size if path.is_file() else weights.size,
        "sha256": folder.expected(weights),
        "checksum_source": weights.checksum_source,
        "url": weights.url,
        "licence": weights.licence,
        "description": weights.description,
    }


def _progress() -> Progress:
    """Return a progress line for people on standard error; logs get one line at the end."""
    return Progress(
        TextColumn("{task.description}"),
        BarColumn(bar_width=24),
        DownloadColumn(),
        TimeRemainingColumn(),
        console=Console(file=sys.stderr),
    )
