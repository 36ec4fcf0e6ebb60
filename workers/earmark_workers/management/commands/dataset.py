"""``earmark dataset``: what labelled sounds are like."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from django.core.management.base import CommandParser
from rich.console import Console

from earmark.core.commands import EarmarkCommand
from earmark_classifiers.training.data import read_dataset
from earmark_workers.evaluation.asking import ending, size_of
from earmark_workers.evaluation.documents import HTML, PNG, require_place, write_document
from earmark_workers.evaluation.survey import (
    Survey,
    print_survey,
    survey_as_json,
    survey_dataset,
    survey_page,
    survey_picture,
)
from earmark_workers.report.output import PipeConsole
from earmark_workers.report.progress import ProgressLine

EPILOG = """
examples:
  earmark dataset ~/Doors                        one folder of sounds a class
  earmark dataset clips.csv --html doors.html    with example spectrograms
  earmark dataset ~/Doors --json | jq '.problems[] | .code'

Looked for: what cannot be read, is silent or shorter than 0.1 s; the same sound twice, or under two
classes; classes too small to train, or to judge.

exit status:
  0  the sounds were looked through, whatever was found
  2  the command line is wrong: no such folder, no classes, no place for the report
  130  stopped by Ctrl-C
  141  the reader of standard output went away
"""


class Command(EarmarkCommand):
    """Looks through labelled sounds before a classifier is trained on them."""

    help = "Look through labelled sounds: classes, durations, sample rates, problems, examples."
    epilog = EPILOG
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: CommandParser) -> None:
        """Declare the options."""
        parser.add_argument(
            "data",
            type=Path,
            metavar="DIR|CSV",
            help="folder with one folder of sounds a class, or CSV with the columns path and label",
        )
        parser.add_argument(
            "--json",
            action="store_true",
            help="one JSON object on the last line of standard output",
        )
        parser.add_argument("--html", type=Path, metavar="FILE", help="write a report, one file")
        parser.add_argument("--png", type=Path, metavar="FILE", help="write the picture alone")

    def handle(self, *args: Any, **options: Any) -> None:
        """Look through them and tell."""
        data = options["data"]
        with ending():
            require_place(options["html"], HTML)
            require_place(options["png"], PNG)
            survey = _survey(data)
            if options["html"]:
                write_document(options["html"], survey_page(survey, data=data))
            if options["png"]:
                write_document(options["png"], survey_picture(survey))
            if options["json"]:
                self.stdout.write(json.dumps(survey_as_json(survey, data=data), allow_nan=False))
            else:
                print_survey(PipeConsole(highlight=False), survey, data=data)
            self.stdout.flush()


def _survey(data: Path) -> Survey:
    dataset = read_dataset(data)
    sizes = {clip.path: size_of(clip.path) for clip in dataset.clips}
    console = Console(stderr=True, highlight=False)
    with ProgressLine(console, files=len(sizes), size=sum(sizes.values())) as progress:

        def on_clip(path: Path, seconds: float, read: bool) -> None:
            progress.heard(seconds)
            progress.finished(files=1, size=sizes[path], failed=not read)

        return survey_dataset(dataset, root=data, on_clip=on_clip)
