"""``earmark metadata``: read, plan, write and undo the tags of single sound files by hand."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import structlog
from django.conf import settings
from django.core.management.base import CommandError, CommandParser

from earmark.core.commands import EarmarkCommand
from earmark.core.database import ensure_migrated
from earmark.writeback.undoing import undo_newest_write
from earmark_files.metadata import (
    ConflictError,
    FileTags,
    InvalidTagError,
    MetadataError,
    Mode,
    Policy,
    RecordError,
    TagSet,
    WritePlan,
    apply,
    plan_write,
    read_tags,
    render,
    undo,
)
from earmark_files.metadata.merge import NO_PLACE
from earmark_files.metadata.tags import FIELDS
from earmark_files.metadata.undo_store import UndoStore

log = structlog.get_logger(__name__)

POLICIES = {
    "fill": Policy(),
    "merge": Policy.merge_keywords(),
    "replace_own": Policy.replace_own(),
    "replace": Policy(default=Mode.REPLACE),
}
_UNDONE = {"undone": "undone", "removed": "undone; the sidecar, which held only this, is gone"}
_TEXTS = ("category", "subcategory", "catid", "description")

EPILOG = """
examples:
  earmark metadata show door.wav --json | jq .keywords
  earmark metadata plan door.wav --keyword "Door slam"    what would change; nothing is written
  earmark metadata write door.wav --keyword "Door slam" --category DOORS
  earmark metadata undo door.wav                          take the newest write back

exit status:
  0  every file is as asked
  1  some are not, or nothing was said to be written; each has a line with its reason
  2  the command line is wrong
  141  the reader of standard output went away
"""

Unmet = dict[str, str]
"""Why each field is not as asked, by its name."""

Answer = tuple[dict[str, Any], str, Unmet]
"""What a file's answer is for programs and for people, and what is not as asked."""


class Command(EarmarkCommand):
    """`earmark metadata show|plan|write|undo PATH... [--json]`."""

    help = "Show the tags of sound files, plan or write tags by hand, or undo the newest write."
    epilog = EPILOG

    def add_arguments(self, parser: CommandParser) -> None:
        """Declare the arguments."""
        parser.add_argument("action", choices=["show", "plan", "write", "undo"])
        parser.add_argument("paths", nargs="+", type=Path, metavar="PATH")
        parser.add_argument("--json", action="store_true", help="one JSON object per file")
        parser.add_argument("--keyword", action="append", default=[], metavar="WORD")
        for name in _TEXTS:
            parser.add_argument(f"--{name}", default="", metavar="TEXT")
        parser.add_argument(
            "--policy",
            choices=POLICIES,
            default="merge",
            help="what happens to values that are there (default: %(default)s)",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        """Do it for every file; one that fails stops nothing."""
        tags = _tags(options)
        action = options["action"]
        if action in ("plan", "write") and tags.is_empty:
            raise CommandError("Say what to write: --keyword, --category, --description ...")
        act: Callable[[Path], Answer] = {
            "show": _show,
            "plan": lambda path: _plan(path, tags, POLICIES[options["policy"]]),
            "write": lambda path: _write(path, tags, POLICIES[options["policy"]]),
            "undo": _undo,
        }[action]
        if action == "write":
            _prune()
        unmet = sum(
            not self._answer(path, act, as_json=options["json"]) for path in options["paths"]
        )
        if unmet:
            raise CommandError(f"{unmet} of {len(options['paths'])} files are not as asked.")

    def _answer(self, path: Path, act: Callable[[Path], Answer], *, as_json: bool) -> bool:
        shown = render.show_path(path)
        try:
            values, text, unmet = act(path)
            as_asked = not unmet
        except MetadataError as error:
            failure = {"code": error.code, "message": error.message}
            values, text, unmet = {"path": shown, "error": failure}, "", {}
            as_asked = False
            if not as_json:
                self.stderr.write(f"{shown}: {error.message} [{error.code}]")
        if as_json:
            self.stdout.write(json.dumps({**values, "as_asked": as_asked}))
            return as_asked
        if text:
            self.stdout.write(text)
        for name, reason in unmet.items():
            self.stderr.write(f"{shown}: {name}: {reason}")
        return as_asked


def _tags(options: dict[str, Any]) -> TagSet:
    """Return the tags asked for: a person's, so that no later run takes them away."""
    texts = {name: options[name] for name in _TEXTS}
    try:
        return TagSet(keywords=tuple(options["keyword"]), by_person=True, **texts)
    except InvalidTagError as error:
        raise CommandError(error.message) from error


def _show(path: Path) -> Answer:
    tags = read_tags(path)
    return render.tags_as_json(tags), render.tags_as_text(tags), {}


def _plan(path: Path, tags: TagSet, policy: Policy) -> Answer:
    plan = plan_write(path, tags, policy)
    return render.plan_as_json(plan), render.plan_as_text(plan), {}


def _write(path: Path, tags: TagSet, policy: Policy) -> Answer:
    plan = plan_write(path, tags, policy)
    values = render.plan_as_json(plan)
    if not plan.is_noop:
        # On the disk before the file is touched, so that even a killed write can be undone.
        _store().push(path, plan.undo)
    result = apply(plan)
    unmet = _unmet(plan, tags)
    values |= {"status": result.status, "unmet": unmet}
    return values, f"{render.plan_as_text(plan)}\n    {result.status}", unmet


def _unmet(plan: WritePlan, tags: TagSet) -> Unmet:
    """Say what the file does not say as asked, in the first place anyone would look."""
    found = read_tags(plan.path)
    lost = {skip.field for skip in plan.skips if skip.reason == NO_PLACE}
    unmet: Unmet = {}
    for name in FIELDS:
        if not tags.get(name) or _says(found, tags, name):
            continue
        if name in lost:
            unmet[name] = render.no_place([name], plan.container)
        elif found.get(name):
            unmet[name] = f"the file says {found.get(name)!r}; --policy replace overwrites that"
        else:
            unmet[name] = "another value is in its place; --policy replace overwrites that"
    return unmet


def _says(found: FileTags, tags: TagSet, name: str) -> bool:
    if name != "keywords":
        return found.get(name) == tags.get(name)
    words = {word.casefold() for word in found.keywords}
    return words.issuperset(word.casefold() for word in tags.keywords)


def _undo(path: Path) -> Answer:
    """Take back the newest write that still stands, whichever command did it."""
    shown = render.show_path(path)
    refused: MetadataError | None = None
    store = _store()
    for place in store.places(path):
        try:
            result = undo(store.load(place))
        except (ConflictError, RecordError) as error:
            # An older write may still be undone; if none can, the newest tells why.
            refused = refused or error
            continue
        place.unlink()
        if result.status != "unchanged":
            left = sum(1 for _ in store.places(path))
            values = {"path": shown, "status": result.status, "earlier_writes": left}
            plural = "s" if left > 1 else ""
            more = f"; {left} earlier write{plural} can be undone, too" if left else ""
            return values, f"{shown}: {_UNDONE[result.status]}{more}", {}
    ensure_migrated()
    if undo_newest_write(path=path):
        return {"path": shown, "status": "undone"}, f"{shown}: {_UNDONE['undone']}", {}
    raise refused or MetadataError(
        "Earmark has no record of a write to this file that could be undone.",
        code="nothing_to_undo",
        path=path,
    )


def _store() -> UndoStore:
    return UndoStore(Path(settings.DATA_DIR) / "undo")


def _prune() -> None:
    """Forget writes that are too old to be taken back; 0 days keeps them for ever."""
    days = settings.EARMARK_UNDO_KEEP_DAYS
    if days:
        count = _store().prune(time.time() - days * 86_400)
        log.info("undo_records_pruned", count=count, days=days)
