"""``earmark library``: the folders Earmark looks after; add, scan, change and forget them."""

from __future__ import annotations

import json
import sys
import time
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

from django.core.management.base import CommandParser
from rich.console import Console

from earmark.core.commands import USAGE, EarmarkCommand
from earmark.core.database import ensure_migrated
from earmark.exchange.bulk.forgetting import require_rest
from earmark.library.errors import (
    InvalidLibraryError,
    LibraryExistsError,
    LibraryUnknownError,
    RootNotFoundError,
)
from earmark.library.models import Library, Scan
from earmark.library.paths import to_relative
from earmark.library.selectors import count_files, get_library, list_scanners
from earmark.library.services import (
    LibraryOptions,
    claim_scan,
    register_library,
    remove_library,
    request_scan,
    run_scan,
    update_library,
)
from earmark_files.paths import display, text_to_path
from earmark_workers.pipeline.naming import is_gone, worker_name
from earmark_workers.pipeline.stopping import StopRequest
from earmark_workers.report.scan_line import ScanLine, describe_counts

_WAIT_S = 1.0
_ACTIONS = {
    "add": "Make a folder a library.",
    "list": "Show all libraries.",
    "show": "Show one library and its last scan.",
    "set": "Change what belongs to a library and how often it is scanned.",
    "scan": "Bring what is known in line with the folder, now.",
    "remove": "Forget a library; its files stay as they are.",
}
EPILOG = """
examples:
  earmark library add ~/Sounds --name Foley --exclude "/Old/" --exclude "*_temp.wav" --every 60
  earmark library list
  earmark library set Foley --include "*.wav" --include "*.flac" --every never
  earmark library scan Foley                   all of it, with a progress line
  earmark library scan Foley --under Doors     one folder of it
  earmark library show Foley --json
  earmark library remove Foley --yes           forget it; no sound is touched

Patterns are those of .gitignore; case is ignored. `set` replaces the patterns by those it is given;
"" means none. Scheduled scans are done by the workers of `earmark up` or `earmark work`.

exit status:
  0  done
  1  the scan failed, or some folders could not be looked at; each has a line with its reason
  2  the command line is wrong: no such library or folder, a pattern that is none
  130, 143  stopped by Ctrl-C or SIGTERM: the next scan goes on from there
"""


class Command(EarmarkCommand):
    """`earmark library add|list|show|set|scan|remove`."""

    help = "Add folders of sounds, scan them, change what belongs to them, or forget them."
    epilog = EPILOG
    usage_errors = (
        InvalidLibraryError,
        LibraryExistsError,
        LibraryUnknownError,
        RootNotFoundError,
    )
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: CommandParser) -> None:
        """Declare the arguments."""
        actions = parser.add_subparsers(dest="action", required=True, metavar="ACTION")
        for name, text in _ACTIONS.items():
            action = actions.add_parser(name, help=text, description=text)
            action.add_argument("--json", action="store_true", help="JSON on standard output")
            if name == "add":
                action.add_argument("root", type=Path, metavar="FOLDER")
            elif name != "list":
                action.add_argument("library", metavar="LIBRARY", help="name or folder")
            if name in ("add", "set"):
                _add_options(action)
            elif name == "scan":
                action.add_argument("--under", metavar="PATH", help="only this folder or file")
            elif name == "remove":
                action.add_argument("--yes", action="store_true", help="really")

    def handle(self, *args: Any, **options: Any) -> None:
        """Do what was asked."""
        ensure_migrated()
        status = getattr(self, f"_{options['action']}")(options)
        if status:
            sys.exit(status)

    def _add(self, options: dict[str, Any]) -> None:
        library = register_library(
            root=options["root"],
            name=options["name"] or "",
            trusted=True,
            options=_chosen(LibraryOptions(), options),
        )
        self._tell(library, options)

    def _list(self, options: dict[str, Any]) -> None:
        libraries = list(Library.objects.order_by("name", "pk"))
        for library in libraries:
            self._tell(library, options)
        if not libraries and not options["json"]:
            self.stdout.write("No libraries yet: earmark library add FOLDER")

    def _show(self, options: dict[str, Any]) -> None:
        library = get_library(named=options["library"])
        self._tell(library, options)
        last = library.scans.first()
        if last is not None and not options["json"]:
            self._tell_scan(last, options)

    def _set(self, options: dict[str, Any]) -> None:
        library = get_library(named=options["library"])
        before = LibraryOptions(**{f: getattr(library, f) for f in asdict(LibraryOptions())})
        chosen = _chosen(before, options)
        self._tell(update_library(library=library, name=options["name"], options=chosen), options)

    def _scan(self, options: dict[str, Any]) -> int:
        library = get_library(named=options["library"])
        asked = request_scan(library=library, under=_under(library, options["under"]))
        console = Console(stderr=True, highlight=False)
        with StopRequest() as stop, ScanLine(console) as line:
            done = _carry_out(asked, stop, line)
        self._tell_scan(done, options)
        if stop.signal is not None:
            return 128 + stop.signal
        return int(done.state != Scan.State.SUCCEEDED or done.problem_count > 0)

    def _remove(self, options: dict[str, Any]) -> int:
        library = get_library(named=options["library"])
        if not options["yes"]:
            self._tell(library, options)
            self.stderr.write(
                "What is known about these files would be forgotten: tags, decisions, and what "
                "undoes writes. The files stay as they are. Say --yes to do it."
            )
            return USAGE
        require_rest(library=library)
        files = remove_library(library=library)
        if options["json"]:
            self.stdout.write(json.dumps({"removed": library.name, "files": files}))
        else:
            self.stdout.write(f"{library.name} is forgotten; its {files:,} files are untouched.")
        return 0

    def _tell(self, library: Library, options: dict[str, Any]) -> None:
        counts = count_files(library=library)
        if options["json"]:
            last = library.scans.first()
            told = _library_values(library) | {"files": counts}
            self.stdout.write(json.dumps(told | {"last_scan": last and _scan_values(last)}))
            return
        files = ", ".join(f"{count:,} {state}" for state, count in counts.items() if count)
        every = f"every {library.scan_every} min" if library.scan_every else "on request"
        folder = display(library.location)
        self.stdout.write(f"{library.name}: {folder}, {files or 'no files'}, scanned {every}")
        for word, lines in (("only", library.include), ("without", library.exclude)):
            for pattern in lines.splitlines():
                self.stdout.write(f"  {word} {pattern}")

    def _tell_scan(self, scan: Scan, options: dict[str, Any]) -> None:
        if options["json"]:
            self.stdout.write(json.dumps(_scan_values(scan)))
        else:
            self.stdout.write(f"scan {scan.pk} {scan.state}: {describe_counts(scan)}")
        if scan.error_message:
            self.stderr.write(f"{scan.error_code}: {scan.error_message}")
        for problem in scan.problems:
            place = display(text_to_path(problem["path"]))
            self.stderr.write(f"{place}: {problem['message']} [{problem['code']}]")


def _add_options(action: CommandParser) -> None:
    action.add_argument("--name", help="what people call it (default: the folder's name)")
    for name, text in (("include", "only what matches"), ("exclude", "without what matches")):
        action.add_argument(f"--{name}", action="append", metavar="PATTERN", help=text)
    action.add_argument(
        "--every", type=_minutes, metavar="MINUTES", help="scan so often, or: never"
    )
    action.add_argument(
        "--settle",
        type=int,
        metavar="SECONDS",
        help="leave files that changed within so many seconds for the next scan",
    )


_NEVER = 0


def _minutes(text: str) -> int:
    """Read a number of minutes; 0 stands for never."""
    return _NEVER if text == "never" else int(text)


def _chosen(options: LibraryOptions, given: dict[str, Any]) -> LibraryOptions:
    """Return the options with what the command line says."""
    if given["include"] is not None:
        options = replace(options, include="\n".join(filter(None, given["include"])))
    if given["exclude"] is not None:
        options = replace(options, exclude="\n".join(filter(None, given["exclude"])))
    if given["every"] is not None:
        options = replace(options, scan_every=given["every"] or None)
    if given["settle"] is not None:
        options = replace(options, settle_seconds=given["settle"])
    return options


def _under(library: Library, text: str | None) -> str:
    """Return a folder as people name it, from the root or absolute, in text form below the root."""
    if text is None:
        return ""
    place = library.location / Path(text).expanduser()
    try:
        return to_relative(library.location, place)
    except ValueError as error:
        raise RootNotFoundError(f"{display(place)} does not lie in the library.") from error


def _carry_out(asked: Scan, stop: StopRequest, line: ScanLine) -> Scan:
    """Do a scan, or watch another worker do it; scans of the library that wait go first."""
    name = worker_name()
    while True:
        dead = [worker for worker in list_scanners() if is_gone(worker)]
        mine = claim_scan(worker=name, dead_workers=dead, library=asked.library)
        if mine is not None:
            run_scan(scan=mine, should_stop=lambda: stop.asked, on_progress=line.show)
        asked.refresh_from_db()
        if stop.asked or asked.state not in (Scan.State.QUEUED, Scan.State.RUNNING):
            return asked
        if mine is None:
            other = Scan.objects.filter(library=asked.library, state=Scan.State.RUNNING).first()
            line.show(other or asked, note=f"another worker is at it: {(other or asked).worker}")
            time.sleep(_WAIT_S)


def _library_values(library: Library) -> dict[str, Any]:
    due = library.scan_due_at
    return {
        "id": library.pk,
        "name": library.name,
        "root": library.root,
        "include": library.include.splitlines(),
        "exclude": library.exclude.splitlines(),
        "scan_every": library.scan_every,
        "settle_seconds": library.settle_seconds,
        "scan_due_at": due and due.isoformat(),
    }


def _scan_values(scan: Scan) -> dict[str, Any]:
    counts = ("found", "added", "changed", "returned", "vanished", "unchanged", "excluded")
    finished = scan.finished_at
    return {
        "id": scan.pk,
        "library": scan.library_id,
        "under": scan.under,
        "state": scan.state,
        "error": scan.error_code and {"code": scan.error_code, "message": scan.error_message},
        **{name: getattr(scan, name) for name in (*counts, "settling", "folders")},
        "finished_at": finished and finished.isoformat(),
        "problem_count": scan.problem_count,
        "problems": scan.problems,
    }
