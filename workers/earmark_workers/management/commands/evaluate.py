"""``earmark evaluate``: how good a classifier is."""

from __future__ import annotations

import json
from typing import Any

from django.core.management.base import CommandParser

from earmark.core.commands import EarmarkCommand
from earmark_workers.evaluation.asking import (
    add_data_arguments,
    ending,
    read_data,
    try_named,
)
from earmark_workers.evaluation.documents import HTML, require_place, write_document
from earmark_workers.evaluation.evaluated import (
    evaluation_as_json,
    evaluation_page,
    print_evaluation,
)
from earmark_workers.report.output import PipeConsole

EPILOG = """
examples:
  earmark evaluate audioset --data ~/Labelled            one folder of sounds a class
  earmark evaluate doors --data clips.csv --split val --html report.html
  earmark evaluate audioset --data ~/Labelled --labels means.csv --json | tail -n 1 | jq .map

A class of the data is a label of the classifier if it has its id or name, in any spelling; for
others write a CSV with the columns label and means. Files that cannot be read are listed and left
out. Nothing is stored and no sound is changed.

exit status:
  0  the classifier was tried, even if some files could not be read
  1  not one clip could be tried
  2  the command line is wrong: no such data or classifier, classes that match no label
  130  stopped by Ctrl-C
  141  the reader of standard output went away
"""


class Command(EarmarkCommand):
    """Tries one classifier on labelled clips."""

    help = "Try a classifier on labelled sounds: accuracy, F1, mAP, every class, mix-ups, report."
    epilog = EPILOG
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: CommandParser) -> None:
        """Declare the options."""
        parser.add_argument("classifier", metavar="NAME", help="an installed classifier")
        add_data_arguments(parser)

    def handle(self, *args: Any, **options: Any) -> None:
        """Try it and tell."""
        data = options["data"]
        with ending():
            require_place(options["html"], HTML)
            trial, labels = try_named(options["classifier"], read_data(options), options)
            if options["html"]:
                page = evaluation_page(trial, data=data, labels=labels)
                write_document(options["html"], page)
            if options["json"]:
                told = evaluation_as_json(trial, data=data, labels=labels)
                self.stdout.write(json.dumps(told, allow_nan=False))
            else:
                print_evaluation(PipeConsole(highlight=False), trial, data=data)
            self.stdout.flush()
