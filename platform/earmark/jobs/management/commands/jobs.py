"""``earmark jobs``: see what runs do, steer them, and find out why nothing happens."""

from __future__ import annotations

import json
import time
from collections.abc import Iterable
from dataclasses import asdict
from typing import Any

from django.core.management.base import CommandError, CommandParser

from earmark.classifiers.errors import ClassifierUnavailableError
from earmark.core.commands import EarmarkCommand
from earmark.jobs.diagnosis import diagnose
from earmark.jobs.errors import RunUnknownError, SelectionError
from earmark.jobs.management.printing import failure_line, failure_values, run_line, run_values
from earmark.jobs.management.submitting import add_submit_arguments, submit
from earmark.jobs.models import Job, Run, RunQuerySet
from earmark.jobs.selectors import count_jobs, get_run
from earmark.jobs.services import cancel_run, pause_run, resume_run, retry_run
from earmark.library.errors import LibraryUnknownError
from earmark.library.selectors import get_library

_POLL_S = 1.0
_ACTIONS = {
    "status": "Show open runs; with --run or --library finished ones too.",
    "failed": "Show failed jobs with their reasons.",
    "retry": "Queue failed jobs again.",
    "pause": "Let no more jobs be taken; what workers hold is finished.",
    "resume": "Let jobs of paused runs be taken again.",
    "cancel": "Give up what has not begun.",
    "drain": "Pause, and wait until workers hold nothing: then they can be stopped.",
    "doctor": "Say why jobs are not being done, and what to do.",
}
EPILOG = """
examples:
  earmark jobs submit Foley                  classify what has no result yet, and write the tags
  earmark jobs submit Foley --folder Doors --query "status:untagged" --priority 5 --dry-run
  earmark jobs status                        open runs and how far they are
  earmark jobs status --run 7 --json
  earmark jobs failed --run 7                which files, and why
  earmark jobs retry --run 7 --code decode_timeout
  earmark jobs pause --library Foley
  earmark jobs drain --timeout 300           before a restart; afterwards: earmark jobs resume
  earmark jobs cancel --run 7
  earmark jobs doctor

Without --run or --library, pause, resume and drain are about all open runs; retry and cancel want
to be told. A cancelled run cannot be taken up again: submit a new one, it does what is missing.

exit status: 0 done; 1 something failed, `doctor` found something, `drain` took too long;
2 the command line is wrong
"""


class Command(EarmarkCommand):
    """`earmark jobs ACTION [--run N] [--library L] [--json]`."""

    help = "Show and steer runs and their jobs, and say why nothing happens."
    epilog = EPILOG
    usage_errors = (
        *(RunUnknownError, LibraryUnknownError, SelectionError),
        ClassifierUnavailableError,
    )
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: CommandParser) -> None:
        """Declare the arguments."""
        actions = parser.add_subparsers(dest="action", required=True, metavar="ACTION")
        text = "Start a run over a library or a part of it; workers do it."
        add_submit_arguments(actions.add_parser("submit", help=text, description=text))
        for name, text in _ACTIONS.items():
            action = actions.add_parser(name, help=text, description=text)
            which = action.add_mutually_exclusive_group(required=name in {"retry", "cancel"})
            which.add_argument("--run", type=int, metavar="N", help="number of the run")
            which.add_argument("--library", metavar="L", help="name or folder")
            action.add_argument("--json", action="store_true", help="one JSON object a line")
            if name in {"failed", "retry"}:
                action.add_argument(
                    "--code",
                    action="append",
                    default=[],
                    metavar="CODE",
                    help="only failures of this reason; may be repeated",
                )
            if name == "drain":
                action.add_argument(
                    "--timeout",
                    type=float,
                    default=600.0,
                    metavar="S",
                    help="seconds to wait at most (default: %(default)s)",
                )

    def handle(self, *args: Any, **options: Any) -> None:
        """Do what was asked."""
        if options["action"] == "doctor":
            self._doctor(options)
        elif options["action"] == "submit":
            self._tell(*submit(options), options)
        else:
            getattr(self, f"_{options['action']}")(self._runs(options), options)

    def _runs(self, options: dict[str, Any]) -> RunQuerySet:
        """Return the runs that were named; all open ones, if none was."""
        runs = Run.objects.select_related("library").prefetch_related("classifiers").order_by("pk")
        if options["run"] is not None:
            return runs.filter(pk=get_run(number=options["run"]).pk)
        if options["library"] is not None:
            return runs.filter(library=get_library(named=options["library"]))
        return runs.open() if options["action"] != "failed" else runs

    def _tell(self, values: dict[str, object], line: str, options: dict[str, Any]) -> None:
        self.stdout.write(json.dumps(values) if options["json"] else line)

    def _status(self, runs: RunQuerySet, options: dict[str, Any]) -> None:
        told = False
        for run in runs:
            counts = count_jobs(run=run)
            self._tell(run_values(run, counts), run_line(run, counts), options)
            told = True
        if not told:
            self.stderr.write("No run is open.")

    def _failed(self, runs: RunQuerySet, options: dict[str, Any]) -> None:
        jobs = Job.objects.filter(run__in=runs, state=Job.State.FAILED).order_by("run", "pk")
        if options["code"]:
            jobs = jobs.filter(reason_code__in=options["code"])
        jobs = jobs.select_related("file__library", "classifier")
        for job in jobs.iterator(chunk_size=1000):
            self._tell(failure_values(job), failure_line(job), options)

    def _retry(self, runs: RunQuerySet, options: dict[str, Any]) -> None:
        if options["library"] is not None:
            runs = runs.exclude(state=Run.State.CANCELLED)
        for run in runs:
            count = retry_run(run=run, codes=options["code"])
            if count or options["run"] is not None:
                self._tell_jobs(run, count, "queued again", options)

    def _cancel(self, runs: RunQuerySet, options: dict[str, Any]) -> None:
        for run in runs.open():
            self._tell_jobs(run, cancel_run(run=run), "cancelled", options)

    def _pause(self, runs: RunQuerySet, options: dict[str, Any]) -> None:
        for run in runs:
            if pause_run(run=run):
                self._tell({"run": run.pk, "paused": True}, f"run {run.pk}: paused", options)

    def _resume(self, runs: RunQuerySet, options: dict[str, Any]) -> None:
        for run in runs:
            if resume_run(run=run):
                self._tell({"run": run.pk, "paused": False}, f"run {run.pk}: goes on", options)

    def _drain(self, runs: RunQuerySet, options: dict[str, Any]) -> None:
        numbers = list(runs.values_list("pk", flat=True))
        self._pause(runs, options)
        held = Job.objects.running().filter(run__in=numbers)
        until = time.monotonic() + options["timeout"]
        while left := held.count():
            if time.monotonic() >= until:
                raise CommandError(
                    f"Workers still hold {left:,} jobs. The runs stay paused; "
                    "`earmark jobs doctor` says whether the workers are alive."
                )
            self.stderr.write(f"{left:,} jobs are being finished")
            time.sleep(_POLL_S)
        self.stderr.write("Workers hold nothing. `earmark jobs resume` lets them go on.")

    def _doctor(self, options: dict[str, Any]) -> None:
        number, name = options["run"], options["library"]
        findings = diagnose(
            run=get_run(number=number) if number is not None else None,
            library=get_library(named=name) if name is not None else None,
        )
        for finding in findings:
            line = f"{finding.code}: {finding.problem}\n    {finding.advice}"
            self._tell(asdict(finding), line, options)
        if findings:
            raise CommandError(_how_many(findings))
        self.stderr.write("Nothing keeps jobs from being done.")

    def _tell_jobs(self, run: Run, count: int, what: str, options: dict[str, Any]) -> None:
        self._tell({"run": run.pk, "jobs": count}, f"run {run.pk}: {count:,} jobs {what}", options)


def _how_many(findings: Iterable[object]) -> str:
    count = len(list(findings))
    return "1 thing needs looking after." if count == 1 else f"{count} things need looking after."
