"""``manage.py export``: the files of a library and their tags, for other programs."""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, BinaryIO

from django.conf import settings
from django.core.management.base import CommandError, CommandParser

from earmark.core.arguments import positive
from earmark.core.commands import EarmarkCommand
from earmark.core.database import ensure_migrated
from earmark.exchange.exports.errors import ExportExistsError
from earmark.exchange.exports.formats import FORMATS
from earmark.exchange.exports.labels import AUDACITY, export_labels, get_only_file
from earmark.exchange.exports.selectors import list_files_to_export
from earmark.exchange.exports.services import export_files
from earmark.jobs.errors import RunUnknownError, SelectionError
from earmark.jobs.models import Run
from earmark.jobs.selection import Selection
from earmark.jobs.selectors import get_run
from earmark.library.errors import LibraryUnknownError
from earmark.library.models import AudioFileQuerySet, Library
from earmark.library.selectors import get_library, list_files
from earmark_files.renaming import rename_new

EPILOG = """
examples:
  earmark export Foley > foley.csv                       a row a file, for spreadsheets
  earmark export Foley --format soundminer -o foley.txt  to import into Soundminer
  earmark export Foley --format basehead -o foley.txt    to import into BaseHead
  earmark export Foley --format jsonl --run 7 | jq .path what a run was about
  earmark export Foley --query "tag:rain format:wav"     files with this tag in this format
  earmark export Foley --search "dog -bark"              what the search finds
  earmark export Foley --format audacity --query "Track 18.wav" -o labels.txt

In tables a cell that a spreadsheet would take for a formula begins with an apostrophe: take one
away from every cell that begins with one, and you have the text. What is on the disk already is
never overwritten.

exit status:
  0  all of it is written
  1  it could not be written, or nothing is known that could be
  2  the command line is wrong
"""


class Command(EarmarkCommand):
    """`manage.py export LIBRARY [--format F] [--run N] [--query Q] [-o FILE]`."""

    help = "Export files and their tags for spreadsheets, Soundminer, BaseHead or Audacity."
    epilog = EPILOG
    usage_errors = (LibraryUnknownError, RunUnknownError, SelectionError)

    def add_arguments(self, parser: CommandParser) -> None:
        """Declare the arguments."""
        parser.add_argument("library", metavar="LIBRARY", help="name or folder")
        parser.add_argument(
            "--format", choices=[*FORMATS, AUDACITY], default="csv", help="default: %(default)s"
        )
        parser.add_argument("--run", type=positive, metavar="N", help="only the files of this run")
        parser.add_argument(
            "--query", default="", metavar="Q", help="only files that fit, such as tag:rain"
        )
        parser.add_argument(
            "--search",
            default="",
            metavar="WORDS",
            help="only files that the search finds by these",
        )
        parser.add_argument(
            "--classifier",
            default=settings.EARMARK_CLASSIFIER,
            metavar="NAME",
            help="whose timeline, for audacity (default: %(default)s)",
        )
        parser.add_argument("-o", "--output", type=Path, metavar="FILE", help="default: print it")

    def handle(self, *args: Any, **options: Any) -> None:
        """Write the export."""
        ensure_migrated()
        pieces = _pieces(options)
        if options["output"] is None:
            _write(pieces, getattr(self.stdout, "buffer", sys.stdout.buffer))
            return
        try:
            _write_file(pieces, options["output"])
        except OSError as error:
            raise CommandError(f"{options['output']}: {error.strerror}") from error


def _pieces(options: dict[str, Any]) -> Iterator[bytes]:
    files = _files(options)
    if options["format"] == AUDACITY:
        return iter([export_labels(file=get_only_file(files), classifier=options["classifier"])])
    return export_files(files=files, form=FORMATS[options["format"]])


def _files(options: dict[str, Any]) -> AudioFileQuerySet:
    library = get_library(named=options["library"])
    return list_files_to_export(
        files=list_files(library=library),
        run=_run(options["run"], library),
        selection=Selection(query=options["query"]),
        words=options["search"],
    )


def _run(number: int | None, library: Library) -> Run | None:
    if number is None:
        return None
    run = get_run(number=number)
    if run.library_id != library.pk:
        raise RunUnknownError(f"Run {number} is not about {library.name}.")
    return run


def _write(pieces: Iterable[bytes], target: BinaryIO) -> None:
    for piece in pieces:
        target.write(piece)
    target.flush()


def _write_file(pieces: Iterable[bytes], path: Path) -> None:
    """Put an export beside its name, and give it that only when it is complete."""
    with tempfile.TemporaryDirectory(dir=path.parent, prefix=".earmark-") as folder:
        draft = Path(folder) / path.name
        with draft.open("wb") as file:
            _write(pieces, file)
        try:
            rename_new(draft, path)
        except FileExistsError as error:
            raise ExportExistsError(f"{path} is there already.") from error
