"""``earmark tag``: find out what is in sounds and write it in."""

from __future__ import annotations

import logging
import os
import sys
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import CommandParser

from earmark.classifiers.errors import ClassifierUnavailableError
from earmark.classifiers.services import require_classifier
from earmark.core.arguments import positive, share
from earmark.core.commands import EarmarkCommand
from earmark.core.database import ensure_migrated
from earmark.library.errors import RootNotFoundError
from earmark_workers.pipeline.places import find_or_register
from earmark_workers.pipeline.reporting import Totals
from earmark_workers.pipeline.stopping import StopRequest
from earmark_workers.pipeline.tag_run import TagOptions, TagRun
from earmark_workers.report.output import Output
from earmark_workers.report.table import MAX_ROWS
from earmark_workers.report.values import Status

EPILOG = """
examples:
  earmark tag ~/Sounds                    tag a folder, tags go into the files
  earmark tag --dry-run ~/Sounds          show what would change in each file
  earmark tag --no-write --csv ~/Sounds > tags.csv
  earmark tag --json door.wav | jq '.tags[].tag'
  earmark tag --classifier audioset --classifier my-doors ~/Sounds
                                          tags of several classifiers together

A second run does only what is new, changed or was left undone; a file that was moved or renamed is
recognised, equal audio is classified once. Silent files are skipped and count as no failure.

exit status:
  0  every file is as asked
  1  some files failed; each has a line with its reason
  2  the command line is wrong: no such folder, classifier or option
  130, 143  stopped by Ctrl-C or SIGTERM: what was finished is kept, the next run goes on from there
  141  the reader of standard output went away
"""


class Command(EarmarkCommand):
    """Tags folders and files."""

    help = "Classify sounds and write what they are into the files: scan, classify, tag, write."
    epilog = EPILOG
    usage_errors = (RootNotFoundError, ClassifierUnavailableError)
    requires_system_checks: list[str] = []

    def create_parser(self, prog_name: str, subcommand: str, **kwargs: Any) -> CommandParser:
        """Let -v be the plain flag people expect; Django's wants a number."""
        return super().create_parser(prog_name, subcommand, conflict_handler="resolve", **kwargs)

    def add_arguments(self, parser: CommandParser) -> None:
        """Declare the options."""
        parser.add_argument("paths", nargs="+", type=Path, metavar="PATH", help="folder or file")
        parser.add_argument(
            "--dry-run",
            action="store_true",
            help="show what would change in each file; no sound is touched",
        )
        parser.add_argument(
            "--no-write", action="store_true", help="keep the tags in the database only"
        )
        _add_output_options(parser)
        parser.add_argument(
            "--threshold",
            type=share,
            metavar="P",
            help="confidence from which a label becomes a tag, 0 to 1 (default: 0.25)",
        )
        parser.add_argument(
            "--classifier",
            action="append",
            dest="classifiers",
            metavar="NAME",
            help="may be given several times: each file is decoded once for all of them "
            f"(default: {settings.EARMARK_CLASSIFIER})",
        )
        parser.add_argument(
            "--force",
            action="store_true",
            help="classify everything anew, also what a classifier could not do before",
        )
        parser.add_argument(
            "--limit", type=positive, metavar="N", help="work on this many files at most"
        )
        parser.add_argument(
            "--workers",
            type=positive,
            metavar="N",
            default=len(os.sched_getaffinity(0)),
            help="worker processes (default: one for each processor core, here %(default)s)",
        )

        parser.add_argument(
            "-v", "--verbose", action="store_true", help="show log messages and every file"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        """Tag every path, then end with the status that tells how it went."""
        if options["verbose"]:
            logging.getLogger().setLevel(logging.INFO)
        rows = None if options["verbose"] else MAX_ROWS
        output = Output(json=options["json"], csv=options["csv"], rows=rows)
        with StopRequest() as stop:
            totals = self._tag_all(options, output, stop)
        output.finish(
            counts=totals.counts,
            fresh=totals.fresh,
            seconds=totals.seconds,
            elapsed=totals.elapsed,
        )
        if stop.signal is not None:
            output.messages.print("stopped; the next run goes on from here")
            sys.exit(128 + stop.signal)
        if totals.counts[Status.FAILED]:
            sys.exit(1)

    def _tag_all(self, options: dict[str, Any], output: Output, stop: StopRequest) -> Totals:
        ensure_migrated()
        places = [find_or_register(path) for path in options["paths"]]
        names = dict.fromkeys(options["classifiers"] or [settings.EARMARK_CLASSIFIER])
        asked = TagOptions(
            classifiers=tuple(require_classifier(name=name) for name in names),
            workers=options["workers"],
            threshold=options["threshold"],
            limit=options["limit"],
            write=not options["no_write"],
            dry_run=options["dry_run"],
            force=options["force"],
        )
        totals = Totals()
        for place in {(place.library.pk, place.under): place for place in places}.values():
            run = TagRun(
                place=place,
                options=asked,
                stop=stop,
                progress=output.progress,
                report=output.report,
            )
            run.work(run.prepare())
            everything = output.wants_all and not stop.asked
            others = run.reports_of_others() if everything else run.failures_of_others()
            for report in others:
                output.report(report)
            totals.add(run.totals)
            if stop.asked:
                break
        return totals


def _add_output_options(parser: CommandParser) -> None:
    output = parser.add_mutually_exclusive_group()
    output.add_argument(
        "--json", action="store_true", help="one JSON object a file on standard output"
    )
    output.add_argument("--csv", action="store_true", help="one CSV row a file on standard output")
