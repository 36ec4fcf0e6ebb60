"""``earmark inspect``: what a sound looks like."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import CommandParser
from rich.console import Console

from earmark.core.commands import EarmarkCommand
from earmark_files.errors import AudioFileError
from earmark_files.guard import GuardedDecoder
from earmark_files.paths import display
from earmark_workers.evaluation.asking import ending
from earmark_workers.evaluation.documents import HTML, PNG, require_place, write_document
from earmark_workers.evaluation.inspected import Inspected, notes_about, summarise
from earmark_workers.evaluation.listening import Listener
from earmark_workers.evaluation.looking import look

EPILOG = """
examples:
  earmark inspect "Track 18.wav"                         writes "Track 18.inspect.png" here
  earmark inspect take.wav --out take.html
  earmark inspect take.wav --classifier doors            scores of your own classifier over time
  earmark inspect take.wav --classifier none             the sound alone

Waveform, log-mel spectrogram, MFCCs, what a classifier hears over time, and the spectrum. A file of
hours takes no more memory than a short one. The sound is not changed.

exit status:
  0  the picture is there
  1  the sound cannot be read, or the classifier broke down over it
  2  the command line is wrong: no such classifier, or no place for the picture
  130  stopped by Ctrl-C
  141  the reader of standard output went away
"""
NOBODY = "none"


class Command(EarmarkCommand):
    """Draws one sound."""

    help = "Draw a sound: waveform, spectrum, log-mel spectrogram, MFCCs, scores over time."
    epilog = EPILOG
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: CommandParser) -> None:
        """Declare the options."""
        parser.add_argument("file", type=Path, metavar="FILE", help="a sound file")
        parser.add_argument(
            "--classifier",
            default=settings.EARMARK_CLASSIFIER,
            metavar="NAME",
            help=f"whose scores to draw, {NOBODY!r} for none (default: %(default)s)",
        )
        parser.add_argument(
            "--out",
            type=Path,
            metavar="FILE",
            help="a .png or .html file (default: NAME.inspect.png in the working folder)",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        """Look, listen, draw."""
        path: Path = options["file"]
        out: Path = options["out"] or Path(f"{path.stem}.inspect.png")
        with ending():
            require_place(out, (*PNG, *HTML))
            inspected = self._inspect(path, options["classifier"])
            for note in inspected.notes:
                self.stderr.write(note)
            is_picture = out.suffix.lower() in PNG
            write_document(out, inspected.picture() if is_picture else inspected.page())
            self.stdout.write(display(out))
            self.stdout.flush()

    def _inspect(self, path: Path, classifier: str) -> Inspected:
        console = Console(stderr=True, highlight=False)
        with console.status("looking"), GuardedDecoder() as guard:
            looked = look(guard, path)
        notes = notes_about(looked)
        if classifier == NOBODY:
            return Inspected(path, looked, None, (), tuple(notes))
        with console.status("listening"), Listener(classifier) as listener:
            names = [label.name for label in listener.manifest.labels]
            try:
                heard = listener.follow(path)
            except AudioFileError as error:  # silent: there is a picture, but nothing to name
                notes.append(error.message)
                return Inspected(path, looked, None, (), tuple(notes))
            times, labels = summarise(listener.manifest.identity, names, heard)
        return Inspected(path, looked, times, labels, tuple(notes))
