"""``earmark thesaurus``: a studio's own words, out of a table and into one."""

from __future__ import annotations

import json
import sys
from dataclasses import asdict
from pathlib import Path
from typing import Any

from django.core.management.base import CommandError, CommandParser

from earmark.core.commands import EarmarkCommand
from earmark.core.database import ensure_migrated
from earmark.library.errors import LibraryUnknownError
from earmark.library.models import Library
from earmark.library.selectors import get_library
from earmark.tagging.errors import ThesaurusFileError
from earmark.tagging.knowledge.thesaurus import Entry
from earmark.tagging.knowledge.thesaurus_csv import (
    ThesaurusTableError,
    cells_of,
    read_table,
    write_table,
)
from earmark.tagging.selectors import entry_of, list_thesaurus
from earmark.tagging.services import import_thesaurus

USAGE = 2
_ACTIONS = {
    "import": "Take a table over.",
    "export": "Write the table to standard output.",
    "show": "Show the entries in words.",
}
EPILOG = """
examples:
  earmark thesaurus import words.csv               for all libraries
  earmark thesaurus import --library Foley foley.csv
  earmark thesaurus export > words.csv
  earmark thesaurus show --json

The table has the columns term,preferred,synonyms,forbidden,translations, in UTF-8:
  Bow-wow,Dog bark,woof; arf,doggie,de=Wauwau; fr=ouah ouah
Empty synonyms leave a term to WordNet, a single - means none. Entries about the same term are
replaced, others stay; --replace takes away what is not in the table. One wrong line, and nothing
is imported. A library's entry about a term comes before that of all libraries.

exit status: 0 done, 1 the table is wrong, 2 the command line is wrong
"""


class Command(EarmarkCommand):
    """`earmark thesaurus import|export|show [FILE] [--library L] [--json]`."""

    help = "Import, export or show the words a studio uses for sounds; they come before WordNet."
    epilog = EPILOG
    usage_errors = (LibraryUnknownError,)

    def add_arguments(self, parser: CommandParser) -> None:
        """Declare the arguments."""
        actions = parser.add_subparsers(dest="action", required=True, metavar="ACTION")
        for name, text in _ACTIONS.items():
            action = actions.add_parser(name, help=text, description=text)
            action.add_argument("--library", metavar="L", help="name or folder; default: all")
            if name != "export":
                action.add_argument("--json", action="store_true", help="JSON on standard output")
            if name == "import":
                action.add_argument(
                    "file", type=Path, metavar="FILE", help="a table; - is standard input"
                )
                action.add_argument(
                    "--replace", action="store_true", help="take away entries that it lacks"
                )

    def handle(self, *args: Any, **options: Any) -> None:
        """Do what was asked."""
        ensure_migrated()
        library = get_library(named=options["library"]) if options["library"] else None
        try:
            getattr(self, f"_{options['action']}")(library, options)
        except ThesaurusFileError as error:
            raise CommandError(f"{error.code}:\n{error.message}\n{error.hint}") from error

    def _import(self, library: Library | None, options: dict[str, Any]) -> None:
        entries = _read(options["file"])
        done = import_thesaurus(entries=entries, library=library, replace=options["replace"])
        if options["json"]:
            self.stdout.write(json.dumps(asdict(done)))
        else:
            self.stdout.write(
                f"{done.added} entries added, {done.changed} changed, {done.unchanged} as they "
                f"were, {done.removed} removed. `earmark policy apply` brings the tags up to date."
            )

    def _export(self, library: Library | None, options: dict[str, Any]) -> None:
        rows = list_thesaurus(library=library)
        self.stdout.write(write_table(entry_of(row) for row in rows), ending="")

    def _show(self, library: Library | None, options: dict[str, Any]) -> None:
        entries = [entry_of(row) for row in list_thesaurus(library=library)]
        if options["json"]:
            self.stdout.write(json.dumps([_as_json(entry) for entry in entries]))
            return
        for entry in entries:
            self.stdout.write(_as_text(entry))


def _read(path: Path) -> list[Entry]:
    try:
        content = sys.stdin.buffer.read() if str(path) == "-" else path.read_bytes()
        return read_table(content)
    except OSError as error:
        raise ThesaurusFileError(f"{path} cannot be read: {error.strerror}.", hint="") from error
    except ThesaurusTableError as error:
        raise ThesaurusFileError(str(error)) from error


def _as_json(entry: Entry) -> dict[str, Any]:
    return {
        "term": entry.term,
        "preferred": entry.preferred,
        "synonyms": None if entry.synonyms is None else list(entry.synonyms),
        "forbidden": list(entry.forbidden),
        "translations": dict(entry.translations),
    }


def _as_text(entry: Entry) -> str:
    synonyms, forbidden, translations = cells_of(entry)
    parts = {"synonyms": synonyms, "never": forbidden, "translated": translations}
    more = "".join(f"; {name}: {text}" for name, text in parts.items() if text)
    return f"{entry.term} is written {entry.written}{more}"
