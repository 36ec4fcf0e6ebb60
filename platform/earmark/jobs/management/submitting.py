"""``earmark jobs submit``: from the command line to a run."""

from __future__ import annotations

from argparse import ArgumentParser
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from django.conf import settings

from earmark.classifiers.models import ClassifierVersion
from earmark.classifiers.services import require_classifier
from earmark.jobs.errors import SelectionError
from earmark.jobs.models import Run
from earmark.jobs.selection import Selection
from earmark.jobs.services import preview_run, submit_run
from earmark.library.models import Library
from earmark.library.paths import to_relative
from earmark.library.selectors import get_library, list_files
from earmark_files.paths import path_to_text


def add_submit_arguments(parser: ArgumentParser) -> None:
    """Declare the arguments."""
    parser.add_argument("library", metavar="LIBRARY", help="name or folder")
    parser.add_argument(
        "--folder", type=Path, metavar="F", help="only this folder or file of the library"
    )
    parser.add_argument("--query", default="", metavar="WORDS", help="only files that these fit")
    parser.add_argument(
        "--classifier",
        action="append",
        default=[],
        metavar="C",
        help="may be repeated (default: EARMARK_CLASSIFIER)",
    )
    parser.add_argument("--force", action="store_true", help="also what has a result already")
    parser.add_argument("--no-write", action="store_true", help="leave the files as they are")
    parser.add_argument(
        "--priority", type=int, default=0, metavar="N", help="higher ones first (default: 0)"
    )
    parser.add_argument("--dry-run", action="store_true", help="only say how much it would be")
    parser.add_argument("--json", action="store_true", help="one JSON object")


def submit(options: dict[str, Any]) -> tuple[dict[str, object], str]:
    """Submit a run as the arguments say; return what is told, as values and as a line.

    Raises
    ------
    LibraryUnknownError, ClassifierUnavailableError, SelectionError
        If one of the names is wrong.
    """
    library = get_library(named=options["library"])
    part: dict[str, Any] = {
        "library": library,
        "classifiers": _find_classifiers(options["classifier"]),
        "under": _find_folder(library, options["folder"]),
        "selection": Selection(query=options["query"]),
        "mode": Run.Mode.FORCE if options["force"] else Run.Mode.MISSING,
    }
    if options["dry_run"]:
        told = preview_run(**part)
        return asdict(told), f"{told.files:,} files, {told.jobs:,} jobs; nothing was queued"
    write = not options["no_write"]
    run = submit_run(
        **part,
        priority=options["priority"],
        options={"command": "work", "write": write, Run.FOLLOW_UP: True},
        # Tags of earlier runs may still have to go into the files.
        keep_empty=write,
    )
    if run is None:
        return {"run": None, "jobs": 0}, "Nothing is missing; no run was started."
    jobs = run.jobs.count()
    return {"run": run.pk, "jobs": jobs}, f"run {run.pk}: {jobs:,} jobs queued"


def _find_classifiers(names: Sequence[str]) -> list[ClassifierVersion]:
    wanted = names or [settings.EARMARK_CLASSIFIER]
    return [require_classifier(name=name) for name in dict.fromkeys(wanted)]


def _find_folder(library: Library, folder: Path | None) -> str:
    """Return a part of a library in text form: named from its root, or by its whole path."""
    if folder is None:
        return ""
    root = library.location
    under = path_to_text(folder)
    if folder.is_absolute():
        if not folder.is_relative_to(root):
            raise SelectionError(f"{folder} is not in the library {library.name}.")
        under = to_relative(root, folder)
    if not list_files(library=library, under=under).exists():
        raise SelectionError(
            f"No file is known below {folder} in the library {library.name}.",
            hint="Scan it first: `earmark library scan`.",
        )
    return under
