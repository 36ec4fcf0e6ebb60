"""The command line of ``manage.py review``: what can be said, and what is meant by it."""

from __future__ import annotations

import getpass
import sys
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import CommandParser

from earmark.core.arguments import positive, share
from earmark.library.models import Library
from earmark.library.selectors import get_library
from earmark.review.errors import DecisionTableError
from earmark.review.models import Decision, ReviewItem
from earmark.review.selectors import ItemFilter

MOST_ROWS = 10_000
"""Rows of a table that is read at once."""

_ACTIONS = {
    "work": "Decide about one item after the other, a key each; this is what `review` alone does.",
    "list": "List items in the order of the queue.",
    "show": "Show what there is to know about an item.",
    "decide": "Decide about an item, or about all that sound nearly the same.",
    "undo": "Take back a decision, or a whole batch.",
    "log": "List decisions, newest first.",
    "stats": "Count the queue, and tell how right each label is.",
    "thresholds": "Suggest thresholds for a wanted precision.",
    "export": "Write what was found right as a table for `earmark train`.",
    "import": "Take decisions from a table.",
    "refresh": "Bring the queue in line with the tags; workers do so by themselves.",
}


def declare(parser: CommandParser) -> None:
    """Declare all actions with their arguments."""
    actions = parser.add_subparsers(dest="action", metavar="ACTION")
    made = {
        name: actions.add_parser(name, help=text, description=text)
        for name, text in _ACTIONS.items()
    }
    for name, action in made.items():
        if name != "work":
            action.add_argument("--json", action="store_true", help="one JSON object a line")
        if name in {"work", "decide", "undo", "import"}:
            _add_reviewer(action)
        if name in {"work", "list", "log", "stats", "thresholds", "export", "import"}:
            _add_filters(action)
    made["refresh"].add_argument("--library", metavar="L", help="name or folder")
    _add_state_and_limit(made["list"])
    made["log"].add_argument("--limit", type=positive, default=50, metavar="N")
    made["show"].add_argument("item", type=positive)
    _add_decision(made["decide"])
    which = made["undo"].add_mutually_exclusive_group(required=True)
    which.add_argument("decision", type=positive, nargs="?")
    which.add_argument("--batch", help="name of a batch, as `decide --alike` tells it")
    made["thresholds"].add_argument(
        "--precision", type=share, default=0.9, help="wanted share of right tags; 0.9"
    )
    made["export"].add_argument("to", type=Path, metavar="CSV", help="- for standard output")
    made["import"].add_argument("table", type=Path, metavar="CSV", help="- for standard input")
    made["import"].add_argument(
        "--dry-run", action="store_true", help="tell what would come of it, change nothing"
    )


def reviewer_of(options: dict[str, Any]) -> str:
    """Return the name under which somebody reviews."""
    name = options.get("reviewer") or getpass.getuser()
    return str(name)


def library_of(options: dict[str, Any]) -> Library | None:
    """Return the library that was named; None if none was.

    Raises
    ------
    LibraryUnknownError
    """
    return get_library(named=options["library"]) if options.get("library") else None


def filter_of(options: dict[str, Any]) -> ItemFilter:
    """Return which items are meant; raises as `library_of` does."""
    library = library_of(options)
    return ItemFilter(
        libraries=[library] if library else None,
        **{name: options.get(name, "") for name in ("label", "kind", "folder", "classifier")},
    )


def read_text(path: Path) -> str:
    """Return what stands in a file, or for ``-`` what comes in.

    Raises
    ------
    DecisionTableError
        If it cannot be read as text.
    """
    try:
        return sys.stdin.read() if path == Path("-") else path.read_text("utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise DecisionTableError(f"{path} cannot be read: {error}.") from error


def _add_reviewer(parser: ArgumentParser) -> None:
    parser.add_argument(
        "--reviewer", default="", metavar="NAME", help="who decides; by default your user name"
    )


def _add_filters(parser: ArgumentParser) -> None:
    parser.add_argument("--library", metavar="L", help="name or folder")
    parser.add_argument("--label", default="", help="label or tag")
    parser.add_argument("--kind", default="", choices=ReviewItem.Kind.values)
    parser.add_argument("--folder", default="", help="folder below the library's root")
    parser.add_argument("--classifier", default="", help="name, or name@version")


def _add_state_and_limit(parser: ArgumentParser) -> None:
    states = [*ReviewItem.State.values, "all"]
    parser.add_argument("--state", choices=states, default=ReviewItem.State.OPEN)
    parser.add_argument("--limit", type=positive, metavar="N", help="so many at most")


def _add_decision(parser: ArgumentParser) -> None:
    actions = [one for one in Decision.Action.values if one != Decision.Action.UNDO]
    parser.add_argument("item", type=positive)
    parser.add_argument("decision", choices=actions)
    parser.add_argument("words", nargs="*", metavar="WORD", help="for replace and add")
    parser.add_argument("--comment", default="")
    parser.add_argument("--alike", action="store_true", help="for all that sound nearly the same")
    parser.add_argument("--preview", action="store_true", help="only show which these are")
