"""``earmark detect``: find one sound in long recordings."""

from __future__ import annotations

import os
import sys
from argparse import ArgumentTypeError
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from django.core.management.base import CommandError, CommandParser
from rich.console import Console

from earmark.classifiers.errors import ClassifierUnavailableError
from earmark.classifiers.registry import get_plugin, make_classifier
from earmark.core.arguments import number, share
from earmark.core.broken_pipe import leave_broken_pipe
from earmark.core.commands import EarmarkCommand
from earmark_classifiers.detector import THRESHOLD, DetectorClassifier
from earmark_files.errors import AudioFileError
from earmark_files.guard import GuardedDecoder
from earmark_files.paths import display
from earmark_files.walk import walk
from earmark_plugin_api import ClassifierError
from earmark_workers.detection.listening import Detections, listen
from earmark_workers.detection.outputs import (
    CsvOutput,
    JsonOutput,
    Output,
    Recording,
    TextOutput,
    audacity_folder,
    raven_folder,
)
from earmark_workers.detection.progress import ListeningLine

USAGE = 2
EPILOG = """
examples:
  earmark train detector --data ~/Robins --name robins    folders: robin, background
  earmark detect robins ~/Forest                          how often, and when
  earmark detect robins ~/Forest --csv > robins.csv
  earmark detect robins ~/Forest --raven ~/Tables         a Raven selection table a recording
  earmark detect robins dawn.wav --audacity . --threshold 0.8

exit status:
  0  every recording was heard to its end
  1  some could not be read; each has a line with its reason
  2  the command line is wrong: no such detector, recording or option
  130  stopped by Ctrl-C; tables of recordings that were finished are kept
  141  the reader of standard output went away
"""


class Command(EarmarkCommand):
    """Finds one sound in recordings."""

    help = "Find the sound a detector was trained on in recordings of any length."
    epilog = EPILOG
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: CommandParser) -> None:
        """Declare the options."""
        parser.add_argument("name", metavar="NAME", help="a detector made by `earmark train`")
        parser.add_argument("paths", nargs="+", type=Path, metavar="PATH", help="folder or file")
        output = parser.add_mutually_exclusive_group()
        output.add_argument(
            "--csv", action="store_true", help="one CSV row an event on standard output"
        )
        output.add_argument(
            "--json", action="store_true", help="one JSON object a recording on standard output"
        )
        parser.add_argument(
            "--audacity", type=Path, metavar="DIR", help="write label tracks for Audacity there"
        )
        parser.add_argument(
            "--raven", type=Path, metavar="DIR", help="write selection tables for Raven there"
        )
        parser.add_argument(
            "--threshold",
            type=share,
            default=THRESHOLD,
            metavar="P",
            help="confidence an event needs, 0 to 1 (default: %(default)s, which was the best on "
            "the validation sounds)",
        )
        parser.add_argument(
            "--min-seconds",
            type=_seconds,
            default=0.0,
            metavar="S",
            help="leave out shorter events (default: 0)",
        )
        parser.add_argument("--device", default="cpu", help="cpu (the default), cuda, cuda:1")

    def handle(self, *args: Any, **options: Any) -> None:
        """Listen to every recording, then end with the status that tells how it went."""
        # One thread is fastest, and the libraries read this when they are imported.
        os.environ.setdefault("OMP_NUM_THREADS", "1")
        console = Console(file=sys.stderr, soft_wrap=True)
        try:
            detector = _make_detector(options["name"])
            tables = bool(options["audacity"] or options["raven"])
            recordings = _find_recordings(options["paths"], tables=tables)
            detector.load(options["device"])
            failures = self._detect(detector, recordings, options, console)
            self.stdout.flush()
        except BrokenPipeError:
            leave_broken_pipe()
        except ClassifierUnavailableError as error:
            raise CommandError(f"{error.code}: {error}", returncode=USAGE) from error
        except AudioFileError as error:
            where = "" if error.path is None else f"{display(error.path)}: "
            raise CommandError(f"{where}{error.code}: {error.message}", returncode=USAGE) from error
        except ClassifierError as error:
            raise CommandError(f"{error.code}: {error}") from error
        except OSError as error:
            raise CommandError(f"cannot_write: {error}") from error
        except KeyboardInterrupt:
            console.print("stopped; tables of recordings that were finished are kept")
            sys.exit(130)
        if failures:
            sys.exit(1)

    def _detect(
        self,
        detector: DetectorClassifier,
        recordings: Sequence[Recording],
        options: dict[str, Any],
        console: Console,
    ) -> int:
        """Return how many recordings could not be heard."""
        outputs = self._outputs(detector, options)
        rules = detector.rules(options["threshold"], options["min_seconds"])
        found: list[Detections] = []
        with GuardedDecoder() as decoder, ListeningLine(console, len(recordings)) as line:
            for recording in recordings:
                line.begin(recording.path)
                try:
                    if recording.problem is not None:
                        raise recording.problem
                    detections = listen(recording.path, detector, rules, decoder, line.heard)
                except AudioFileError as error:
                    line.say(f"{display(str(recording.path))}: {error.code}: {error.message}")
                    for output in outputs:
                        output.failed(recording, error)
                    continue
                found.append(detections)
                for output in outputs:
                    output.found(recording, detections)
        events = sum(len(detections.events) for detections in found)
        hours = sum(detections.seconds for detections in found) / 3600
        console.print(
            f"{events} events in {len(found)} recordings of {hours:.2f} h, "
            f"{len(recordings) - len(found)} failed",
            highlight=False,
        )
        return len(recordings) - len(found)

    def _outputs(self, detector: DetectorClassifier, options: dict[str, Any]) -> list[Output]:
        manifest = detector.manifest
        label = manifest.labels[0].name
        kind = CsvOutput if options["csv"] else JsonOutput if options["json"] else TextOutput
        outputs: list[Output] = [kind(sys.stdout, label)]
        if options["audacity"]:
            outputs.append(audacity_folder(options["audacity"], label))
        if options["raven"]:
            outputs.append(raven_folder(options["raven"], label, manifest.sample_rate / 2))
        return outputs


def _make_detector(name: str) -> DetectorClassifier:
    plugin = get_plugin(name)
    if plugin.problem:
        raise ClassifierUnavailableError(f"{name!r} cannot be used: {plugin.problem}")
    classifier = make_classifier(plugin.target, plugin.folder)
    if not isinstance(classifier, DetectorClassifier):
        raise ClassifierUnavailableError(
            f"The classifier {name!r} is no detector; `earmark train detector` makes one, and "
            "`earmark tag --classifier` uses other classifiers."
        )
    return classifier


def _find_recordings(paths: Sequence[Path], *, tables: bool) -> list[Recording]:
    """Find the sound files, each once.

    Raises
    ------
    CommandError
        If tables are wanted and two recordings would have the same: one would be lost.
    """
    found: dict[Path, Recording] = {}
    for path in paths:
        root = path if path.is_dir() else path.parent
        for item in walk(path):
            file = Path(os.fsdecode(item.path))
            recording = Recording(file, file.relative_to(root), item.problem)
            found.setdefault(file.absolute(), recording)
    names: dict[Path, Path] = {}
    for recording in found.values():
        other = names.setdefault(recording.name, recording.path)
        if tables and other != recording.path:
            raise CommandError(
                f"{display(str(other))} and {display(str(recording.path))} would have the same "
                "table. Name the folder that holds both.",
                returncode=USAGE,
            )
    return list(found.values())


def _seconds(text: str) -> float:
    value = number(text)
    if not 0.0 <= value < float("inf"):
        raise ArgumentTypeError(f"{text} is no length of time")
    return value
