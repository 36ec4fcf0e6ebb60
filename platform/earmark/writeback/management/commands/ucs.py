"""``earmark ucs``: what files are in the Universal Category System, and names after it."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import CommandError, CommandParser

from earmark.core.commands import USAGE, EarmarkCommand
from earmark.core.database import ensure_migrated
from earmark.core.errors import EarmarkError
from earmark.library.models import AudioFile
from earmark.tagging.knowledge.ucs_names import check_name, clean_block
from earmark.writeback.renaming import new_batch, rename_file, settle_renames, undo_rename
from earmark.writeback.segments import find_files, require_unchanged
from earmark.writeback.selectors import list_standing_renames
from earmark.writeback.ucs_planning import FileUcs, RenamePlan, get_ucs, plan_renames
from earmark_files.metadata.render import show_path
from earmark_files.walk import walk

EPILOG = """
examples:
  earmark ucs show "Track 18.wav"             CatID, how sure, and what else it could be
  earmark ucs validate ~/Sounds               which names are no UCS names, and why
  earmark ucs rename --dry-run --creator JD --source KENNEL ~/Sounds/Dogs
  earmark ucs rename --creator JD --source KENNEL ~/Sounds/Dogs
  earmark ucs undo ~/Sounds/Dogs              the newest rename of each file there
  earmark ucs undo --batch 3f2a91c0           all renames of one command

A rename keeps what a person wrote: only names that say nothing ("Track 18") give way to tags. No
file is ever overwritten; files that belong to a sound (name.wav.*, name.xmp) go with it.

exit status:
  0  every file is as asked
  1  some are not; each has a line with its reason
  2  the command line is wrong
"""


class Command(EarmarkCommand):
    """`earmark ucs show|validate|rename|undo PATH...`."""

    help = "Show UCS categories, check UCS file names, and rename files after UCS, undoably."
    epilog = EPILOG

    def add_arguments(self, parser: CommandParser) -> None:
        """Declare the arguments."""
        parser.add_argument("action", choices=["show", "validate", "rename", "undo"])
        parser.add_argument("paths", nargs="+", type=Path, metavar="PATH", help="file or folder")
        parser.add_argument("--json", action="store_true", help="one JSON object a file")
        parser.add_argument(
            "--dry-run", action="store_true", help="rename: show the names, change nothing"
        )
        parser.add_argument(
            "--creator",
            default=settings.EARMARK_UCS_CREATOR,
            metavar="ID",
            help="rename: CreatorID for names without one (default: EARMARK_UCS_CREATOR)",
        )
        parser.add_argument(
            "--source",
            default=settings.EARMARK_UCS_SOURCE,
            metavar="ID",
            help="rename: SourceID for names without one (default: EARMARK_UCS_SOURCE)",
        )
        parser.add_argument(
            "--batch",
            action="store_true",
            help="undo: instead of files, the IDs that rename printed; all it renamed then",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        """Do it for every file; one that fails stops nothing."""
        action, paths = options["action"], options["paths"]
        self._json = options["json"]
        self._failures = 0
        for name, owner in (("dry_run", "rename"), ("batch", "undo")):
            if options[name] and action != owner:
                raise CommandError(f"--{name.replace('_', '-')} is for {owner}.", returncode=USAGE)
        if action == "validate":
            self._validate(paths)
        else:
            ensure_migrated()
            getattr(self, f"_{action}")(paths, options)
        if self._failures:
            raise CommandError(f"{self._failures} files are not as asked.")

    def _validate(self, paths: Iterable[Path]) -> None:
        for top in paths:
            if not top.exists():
                self._fail(show_path(top), "file_not_found", "There is no such file or folder.")
                continue
            for found in walk(top):
                path = Path(os.fsdecode(found.path))
                problems = check_name(path.name)
                self._failures += bool(problems)
                if self._json:
                    told = [{"code": p.code, "message": p.message} for p in problems]
                    self._write({"path": show_path(path), "problems": told})
                else:
                    why = " ".join(f"{p.message} [{p.code}]" for p in problems)
                    self.stdout.write(f"{show_path(path)}: {why or 'ok'}")

    def _show(self, paths: Iterable[Path], options: dict[str, Any]) -> None:
        for file in self._files(paths):
            ucs = get_ucs(file)
            if self._json:
                self._write({"path": show_path(file.location), **_ucs_values(ucs)})
            else:
                self.stdout.write(f"{show_path(file.location)}: {_ucs_text(ucs)}")

    def _rename(self, paths: Iterable[Path], options: dict[str, Any]) -> None:
        creator, source = clean_block(options["creator"]), clean_block(options["source"])
        if not (creator and source):
            raise CommandError(
                "A UCS name says who made the sound and for what: --creator ID --source ID "
                "(or EARMARK_UCS_CREATOR and EARMARK_UCS_SOURCE).",
                returncode=USAGE,
            )
        settle_renames()
        plans = plan_renames(self._files(paths), creator=creator, source=source)
        batch = "" if options["dry_run"] else new_batch()
        done = sum(self._rename_one(plan, batch) for plan in plans)
        if done and batch and not self._json:
            self.stderr.write(f"{done} renamed; to undo: earmark ucs undo --batch {batch}")

    def _rename_one(self, plan: RenamePlan, batch: str) -> bool:
        """Rename a file, or say what it would be called; returns whether it was renamed."""
        shown = show_path(plan.file.location)
        if not plan.name:
            self._fail(shown, "no_catid", "Neither name nor tags tell a CatID.", plan.ucs)
            return False
        status = "unchanged" if plan.is_noop else ("renamed" if batch else "planned")
        arrow = "" if plan.is_noop else f" -> {show_path(Path(plan.name))}"
        if status == "renamed":
            try:
                require_unchanged(plan.file)
                rename_file(plan=plan, batch=batch)
            except EarmarkError as error:
                self._fail(shown, error.code, str(error), plan.ucs)
                return False
        if self._json:
            values = {"path": shown, "status": status, "name": plan.name, "batch": batch}
            moved = [[show_path(Path(a)), show_path(Path(b))] for a, b in plan.sidecars]
            self._write({**values, "sidecars": moved, **_ucs_values(plan.ucs)})
        else:
            self.stdout.write(f"{shown}: {status}{arrow}")
        return status == "renamed"

    def _undo(self, paths: Iterable[Path], options: dict[str, Any]) -> None:
        settle_renames()
        if options["batch"]:
            chosen = list_standing_renames(batches=[str(path) for path in paths])
        else:
            newest = {}
            for rename in reversed(list_standing_renames(files=self._files(paths))):
                newest[rename.file_id] = rename
            chosen = sorted(newest.values(), key=lambda rename: -rename.pk)
        if not chosen and not self._failures:
            raise CommandError("No rename of these is known that could be undone.")
        for rename in chosen:
            shown = show_path(rename.file.location)
            try:
                undone = undo_rename(rename_id=rename.pk)
            except EarmarkError as error:
                self._fail(shown, error.code, str(error))
                continue
            name = show_path(Path(undone.file.location.name))
            if self._json:
                self._write({"path": shown, "status": "undone", "name": name})
            else:
                self.stdout.write(f"{shown}: undone -> {name}")

    def _files(self, paths: Iterable[Path]) -> list[AudioFile]:
        files: dict[int, AudioFile] = {}
        for path in paths:
            try:
                files |= {file.pk: file for file in find_files(path)}
            except EarmarkError as error:
                self._fail(show_path(path), error.code, str(error))
        return list(files.values())

    def _fail(self, shown: str, code: str, message: str, ucs: FileUcs | None = None) -> None:
        self._failures += 1
        if self._json:
            values = _ucs_values(ucs) if ucs else {}
            self._write({"path": shown, "error": {"code": code, "message": message}, **values})
        else:
            self.stderr.write(f"{shown}: {message} [{code}]")

    def _write(self, values: dict[str, Any]) -> None:
        self.stdout.write(json.dumps(values, ensure_ascii=False))


def _ucs_values(ucs: FileUcs) -> dict[str, Any]:
    line = ucs.line
    return {
        "catid": line.catid if line else "",
        "category": line.category if line else "",
        "subcategory": line.subcategory if line else "",
        "confidence": round(ucs.confidence, 4),
        "source": ucs.source,
        "runners_up": [[catid, round(score, 4)] for catid, score in ucs.runners_up],
    }


def _ucs_text(ucs: FileUcs) -> str:
    if ucs.line is None:
        return "no CatID: neither name nor tags tell one"
    others = ", ".join(f"{catid} {score:.2f}" for catid, score in ucs.runners_up)
    line = ucs.line
    return (
        f"{line.catid} {line.category} / {line.subcategory} {ucs.confidence:.2f} from {ucs.source}"
        f"{f'; else {others}' if others else ''}"
    )
