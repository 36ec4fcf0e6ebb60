"""``manage.py search``: files by words and filters, on the command line."""

from __future__ import annotations

import json
import sys
from dataclasses import asdict
from typing import Any

from django.core.management.base import CommandError, CommandParser

from earmark.core.commands import USAGE, EarmarkCommand
from earmark.core.database import ensure_migrated
from earmark.library.errors import LibraryUnknownError
from earmark.library.selectors import get_library
from earmark.search.errors import InvalidSearchError
from earmark.search.models import SearchChange, SearchDocument
from earmark.search.selectors import (
    Filters,
    FoundFile,
    Page,
    Request,
    Sort,
    TagFilter,
    correct,
    load_files,
    search_files,
)
from earmark.search.services import Indexed, index_changes, rebuild_index

_PATIENCE_S = 5.0
_MOST = 500
_SHOWN_TAGS = 6

EPILOG = """
examples:
  earmark search rain on metal
  earmark search '"door slam" -car' --library Foley --limit 10
  earmark search --tag Rain:0.8 --sort=-confidence --json
  earmark search thunder OR lightning --json | jq -r '.results[].path'
  earmark search --index                           bring the index up to date and end
  earmark search --rebuild                         look at every file again

All words have to be there; the last one may go on; "in this order", -not, one OR other. Changes of
files and tags are taken up for some seconds before the search; what is left is told.

exit status: 0 found, 1 nothing found, 2 the command line is wrong
"""


class Command(EarmarkCommand):
    """`manage.py search [WORDS...] [--library L] [--tag T[:CONFIDENCE]] [--json]`."""

    help = "Find files by words in names, folders, tags, synonyms, broader words and categories."
    epilog = EPILOG
    usage_errors = (InvalidSearchError, LibraryUnknownError)

    def add_arguments(self, parser: CommandParser) -> None:
        """Declare the arguments."""
        parser.add_argument(
            "words",
            nargs="*",
            metavar="WORDS",
            help="what to look for; in quotation marks if one begins with a minus",
        )
        parser.add_argument("--library", action="append", default=[], metavar="L")
        parser.add_argument("--folder", default="", help="a folder, relative to its library")
        parser.add_argument(
            "--tag",
            action="append",
            default=[],
            metavar="T",
            help="a tag; Rain:0.8 with confidence",
        )
        parser.add_argument("--catid", action="append", default=[], help="a UCS CatID")
        parser.add_argument("--category", action="append", default=[], help="a UCS category")
        parser.add_argument("--sort", choices=[sort.value for sort in Sort], help="order")
        parser.add_argument("--limit", type=int, default=50, help=f"files, up to {_MOST}")
        parser.add_argument("--json", action="store_true", help="JSON on standard output")
        parser.add_argument("--index", action="store_true", help="bring the index up to date")
        parser.add_argument("--rebuild", action="store_true", help="index every file again")

    def handle(self, *args: Any, **options: Any) -> None:
        """Do what was asked."""
        ensure_migrated()
        if options["index"] or options["rebuild"]:
            self._index(options)
            return
        if not 1 <= options["limit"] <= _MOST:
            raise CommandError(f"--limit takes a number from 1 to {_MOST}.", returncode=USAGE)
        index_changes(seconds=_PATIENCE_S)
        request = _read(options)
        page = search_files(request)
        files = load_files([hit.file_id for hit in page.hits], scores=page.scores)
        corrections = [] if files else correct(request.text, libraries=None)
        if options["json"]:
            self._print_json(page, files, corrections)
        else:
            self._print(page, files, corrections)
        self.stdout.flush()
        if not files:
            sys.exit(1)

    def _index(self, options: dict[str, Any]) -> None:
        count = 0
        terminal = self.stderr.isatty()

        def report(files: int) -> None:
            nonlocal count
            count += files
            if terminal:
                self.stderr.write(f"\r{count:,} files looked at", ending="")

        done: Indexed = (
            rebuild_index(report=report) if options["rebuild"] else index_changes(report=report)
        )
        if terminal and count:
            self.stderr.write("")
        if not done.finished:
            raise CommandError("Another process is bringing the index up to date right now.")
        known = SearchDocument.objects.count()
        if options["json"]:
            told = {"looked_at": done.files, "changed": done.written, "files": known}
            self.stdout.write(json.dumps(told))
        else:
            self.stdout.write(
                f"{done.files:,} files looked at, {done.written:,} of them changed; the index has "
                f"{known:,} files."
            )

    def _print_json(self, page: Page, files: list[FoundFile], corrections: list[str]) -> None:
        told = {
            "results": [_as_json(one) for one in files],
            "sort": page.sort.value,
            "total": asdict(page.total) if page.total else None,
            "corrections": corrections,
            "complete": page.complete,
        }
        self.stdout.write(json.dumps(told))

    def _print(self, page: Page, files: list[FoundFile], corrections: list[str]) -> None:
        for one in files:
            tags = ", ".join(name for name, _ in one.tags[:_SHOWN_TAGS])
            self.stdout.write(f"{one.location}{'  ' if tags else ''}{tags}")
        if page.total and page.next:
            least = "" if page.total.exact else "at least "
            self.stderr.write(f"{len(files):,} of {least}{page.total.value:,} files")
        if not files:
            meant = f" Did you mean: {'; '.join(corrections)}?" if corrections else ""
            self.stderr.write(f"Nothing found.{meant}")
        if not page.complete:
            left = SearchChange.objects.count()
            self.stderr.write(f"{left:,} changes are not in the index yet: earmark search --index")


def _read(options: dict[str, Any]) -> Request:
    filters = Filters(
        libraries=tuple(get_library(named=name).pk for name in options["library"]),
        folder=options["folder"],
        tags=tuple(TagFilter.parse(text) for text in options["tag"]),
        catids=tuple(options["catid"]),
        categories=tuple(options["category"]),
    )
    sort = Sort(options["sort"]) if options["sort"] else None
    return Request(" ".join(options["words"]), filters, sort, page_size=options["limit"])


def _as_json(one: FoundFile) -> dict[str, Any]:
    return {
        "id": one.id,
        "library": one.library_name,
        "path": str(one.location),
        "duration": one.duration,
        "catid": one.catid,
        "tags": [{"name": name, "confidence": confidence} for name, confidence in one.tags],
        "score": one.score,
    }
