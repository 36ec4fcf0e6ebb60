"""``earmark compare``: several classifiers side by side."""

from __future__ import annotations

import json
from typing import Any

from django.core.management.base import CommandError, CommandParser

from earmark.core.commands import EarmarkCommand
from earmark_workers.evaluation.asking import (
    USAGE,
    add_data_arguments,
    ending,
    read_data,
    try_named,
)
from earmark_workers.evaluation.compared import Comparison
from earmark_workers.evaluation.documents import HTML, require_place, write_document
from earmark_workers.report.output import PipeConsole

EPILOG = """
examples:
  earmark compare audioset cnn rnn --data ~/Labelled
  earmark compare doors doors-2 --data clips.csv --split val --html report.html

All classifiers are judged by the same clips: what one of them cannot hear counts for none. The
intervals and the differences come from the same bootstrap draws of whole recordings.

exit status:
  0  the classifiers were tried, even if some files could not be read
  1  not one clip could be tried by all of them
  2  the command line is wrong: no such data or classifier, classes that match no label
  130  stopped by Ctrl-C
  141  the reader of standard output went away
"""


class Command(EarmarkCommand):
    """Tries several classifiers on the same labelled clips."""

    help = "Try several classifiers on the same labelled sounds, with confidence intervals."
    epilog = EPILOG
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: CommandParser) -> None:
        """Declare the options."""
        parser.add_argument(
            "classifiers", nargs="+", metavar="NAME", help="installed classifiers, two or more"
        )
        add_data_arguments(parser)

    def handle(self, *args: Any, **options: Any) -> None:
        """Try them one after the other and tell."""
        names = list(dict.fromkeys(options["classifiers"]))
        if len(names) < 2:
            raise CommandError("Name two different classifiers or more.", returncode=USAGE)
        with ending():
            require_place(options["html"], HTML)
            dataset = read_data(options)
            trials = {name: try_named(name, dataset, options)[0] for name in names}
            comparison = Comparison(trials, options["data"])
            if options["html"]:
                write_document(options["html"], comparison.page())
            if options["json"]:
                self.stdout.write(json.dumps(comparison.as_json(), allow_nan=False))
            else:
                comparison.print(PipeConsole(highlight=False))
            self.stdout.flush()
