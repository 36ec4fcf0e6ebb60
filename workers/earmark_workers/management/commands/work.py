"""``earmark work``: do what was started in the admin."""

from __future__ import annotations

import os
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandParser
from rich.console import Console

from earmark.classifiers.services import refresh_classifiers
from earmark.core.database import ensure_migrated
from earmark.jobs.models import Run
from earmark.jobs.selectors import count_jobs
from earmark.library.models import Scan
from earmark_workers.pipeline.reporting import Totals
from earmark_workers.pipeline.serving import Server
from earmark_workers.pipeline.stopping import StopRequest
from earmark_workers.pipeline.uploads import desk_beside
from earmark_workers.report.progress import ProgressLine


class Command(BaseCommand):
    """Works until Ctrl-C or SIGTERM; what is begun then goes on with the next start."""

    help = "Do the scans and runs that were started in the admin, until Ctrl-C."
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: CommandParser) -> None:
        """Declare the options."""
        parser.add_argument(
            "--workers",
            type=int,
            metavar="N",
            default=len(os.sched_getaffinity(0)),
            help="worker processes of a run (default: one for each processor core)",
        )
        parser.add_argument(
            "--until-idle", action="store_true", help="end when nothing is left to do"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        """Work."""
        ensure_migrated()
        refresh_classifiers()
        console = Console(stderr=True, highlight=False)
        with StopRequest() as stop, desk_beside(device=settings.EARMARK_DEVICE):
            server = Server(
                stop=stop,
                workers=max(1, options["workers"]),
                progress=lambda files, size: ProgressLine(console, files=files, size=size),
                scanned=lambda scan: console.print(_describe_scan(scan), markup=False),
                worked=lambda run, totals: console.print(_describe_run(run, totals), markup=False),
            )
            server.serve(until_idle=options["until_idle"])


def _describe_scan(scan: Scan) -> str:
    head = f"scan {scan.pk} of {scan.library.name}: {scan.state}"
    if scan.error_message:
        return f"{head}: {scan.error_message}"
    return f"{head}, {scan.found} files, {scan.added} new, {scan.vanished} vanished"


def _describe_run(run: Run, totals: Totals) -> str:
    counts = count_jobs(run=run)
    return (
        f"run {run.pk} over {run.library.name}: {counts.succeeded} classified, "
        f"{counts.failed} failed, {counts.queued} left, {totals.elapsed:.1f} s"
    )
