"""``earmark timeline``: what is heard when in a file, for other programs and as markers."""

from __future__ import annotations

import json
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import CommandError, CommandParser

from earmark.core.arguments import number
from earmark.core.commands import USAGE, EarmarkCommand
from earmark.core.database import ensure_migrated
from earmark.core.errors import EarmarkError
from earmark.library.models import AudioFile
from earmark.tagging.knowledge.segment_files import to_audacity, to_csv, to_csv_rows, to_values
from earmark.tagging.knowledge.segments import InvalidSegmentRuleError, SegmentRule
from earmark.tagging.selectors import get_policy
from earmark.writeback.markers import copy_with_markers, remove_markers, taken, write_markers
from earmark.writeback.segments import HeardFile, find_files, get_segments
from earmark_files.metadata import MetadataError, WriteResult
from earmark_files.metadata.render import show_path

ENDINGS = {"audacity": ".labels.txt", "csv": ".segments.csv", "json": ".segments.json"}
EPILOG = """
examples:
  earmark timeline "Track 18.wav"                     an Audacity label track
  earmark timeline --format csv ~/Sounds > heard.csv  one row a segment, of all files
  earmark timeline --format json take.wav | jq '.segments[].tag'
  earmark timeline --out labels ~/Sounds/Dogs         a label track beside each name, in labels/
  earmark timeline --format cue --out copies take.wav a copy with markers; the file stays
  earmark timeline --write-markers take.wav           markers in the file; undo: metadata undo
  earmark timeline --remove-markers take.wav          takes Earmark's markers out again

Segments come from what the classifier said about each window when the file was tagged; nothing is
listened to again. Cue points of people and other programs are never changed.

exit status:
  0  every file is as asked
  1  some files failed; each has a line with its reason
  2  the command line is wrong
"""


class Command(EarmarkCommand):
    """`earmark timeline PATH... [--classifier NAME] [--format F] [--out DIR]`."""

    help = "Show or export what is heard when in a sound, or mark it in the file."
    epilog = EPILOG

    def add_arguments(self, parser: CommandParser) -> None:
        """Declare the arguments."""
        parser.add_argument("paths", nargs="+", type=Path, metavar="PATH", help="file or folder")
        parser.add_argument(
            "--classifier",
            default=settings.EARMARK_CLASSIFIER,
            metavar="NAME",
            help="whose timeline, also NAME@VERSION (default: %(default)s)",
        )
        action = parser.add_mutually_exclusive_group()
        action.add_argument(
            "--format", choices=[*ENDINGS, "cue"], default="audacity", help="default: %(default)s"
        )
        action.add_argument(
            "--write-markers", action="store_true", help="cue points in the WAV file itself"
        )
        action.add_argument(
            "--remove-markers", action="store_true", help="take Earmark's cue points out"
        )
        parser.add_argument("--out", type=Path, metavar="DIR", help="one file for each sound here")
        parser.add_argument(
            "--threshold",
            type=number,
            metavar="P",
            help="score that a segment must reach (default: the library's threshold)",
        )
        parser.add_argument(
            "--off",
            type=number,
            metavar="P",
            help="score at which it ends (default: half of that)",
        )
        parser.add_argument(
            "--merge-gap",
            type=number,
            default=SegmentRule.merge_gap,
            metavar="S",
            help="segments no further apart are one, in seconds (default: %(default)s)",
        )
        parser.add_argument(
            "--min-length",
            type=number,
            default=SegmentRule.min_length,
            metavar="S",
            help="leave out shorter ones, in seconds (default: %(default)s)",
        )
        parser.add_argument(
            "--all-labels",
            action="store_true",
            help="also labels above others, groups, and labels only a person should say",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        """Do it for every file; one that fails stops nothing."""
        act = self._action(options)
        ensure_migrated()
        self._failures = 0
        try:
            for path in options["paths"]:
                self._each(path, partial(self._do_all, path, act, options))
        except InvalidSegmentRuleError as error:
            raise CommandError(str(error), returncode=USAGE) from error
        if self._failures:
            raise CommandError(f"{self._failures} could not be done.")

    def _action(self, options: dict[str, Any]) -> Callable[[AudioFile, SegmentRule], None]:
        """Return what is done with each file, or refuse the command line."""
        out: Path | None = options["out"]
        marks = options["write_markers"] or options["remove_markers"]
        if marks and out is not None:
            raise CommandError("Markers go into the files; --out has no place.", returncode=USAGE)
        if options["format"] == "cue" and out is None and not marks:
            raise CommandError("--format cue makes copies: say where, --out DIR.", returncode=USAGE)
        is_one = len(options["paths"]) == 1 and not options["paths"][0].is_dir()
        if options["format"] == "audacity" and out is None and not (marks or is_one):
            raise CommandError(
                "A label track is of one sound: say where those of several go, --out DIR, or take "
                "--format csv.",
                returncode=USAGE,
            )
        if options["remove_markers"]:
            return lambda file, _: self._tell(file, remove_markers(file), 0)

        def heard(file: AudioFile, rule: SegmentRule) -> HeardFile:
            name, all_labels = options["classifier"], options["all_labels"]
            return get_segments(file=file, name=name, rule=rule, all_labels=all_labels)

        if options["write_markers"]:
            return lambda file, rule: self._mark(heard(file, rule))
        if out is None:
            self._rows = 0
            return lambda file, rule: self._print(heard(file, rule), options["format"])
        try:
            out.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise CommandError(f"{out}: {error.strerror}", returncode=USAGE) from error
        return lambda file, rule: self._export(heard(file, rule), options["format"], out)

    def _do_all(
        self,
        path: Path,
        act: Callable[[AudioFile, SegmentRule], None],
        options: dict[str, Any],
    ) -> None:
        files = find_files(path)
        rule = _rule(options, get_policy(library=files[0].library).accept)
        for file in files:
            self._each(file.location, partial(act, file, rule))

    def _each(self, path: Path, do: Callable[[], None]) -> None:
        """Do something with a file or folder; tell the reason where that fails."""
        try:
            do()
        except (EarmarkError, MetadataError) as error:
            self._failures += 1
            self.stderr.write(f"{show_path(path)}: {error} [{error.code}]")
        except BrokenPipeError:
            raise
        except OSError as error:
            self._failures += 1
            self.stderr.write(f"{show_path(path)}: {error.strerror} [{type(error).__name__}]")

    def _print(self, heard: HeardFile, form: str) -> None:
        self.stdout.write(_text(heard, form, heading=self._rows == 0), ending="")
        self._rows += 1

    def _export(self, heard: HeardFile, form: str, folder: Path) -> None:
        if form == "cue":
            written = copy_with_markers(heard, folder)
        else:
            written = folder / f"{heard.file.location.name}{ENDINGS[form]}"
            try:
                with written.open("x", encoding="utf-8", errors="surrogateescape") as file:
                    file.write(_text(heard, form))
            except FileExistsError as error:
                raise taken(written) from error
        self.stdout.write(f"{show_path(heard.file.location)}: {show_path(written)}")

    def _mark(self, heard: HeardFile) -> None:
        self._tell(heard.file, write_markers(heard), len(heard.segments))

    def _tell(self, file: AudioFile, result: WriteResult, markers: int) -> None:
        self.stdout.write(f"{show_path(file.location)}: {result.status}, {markers} markers")


def _text(heard: HeardFile, form: str, *, heading: bool = True) -> str:
    path = show_path(heard.file.location)
    if form == "audacity":
        return to_audacity(heard.segments)
    if form == "csv":
        return to_csv(to_csv_rows(path, heard.classifier, heard.segments), heading=heading)
    values = to_values(path, heard.classifier, heard.segments)
    return json.dumps(values, ensure_ascii=False) + "\n"


def _rule(options: dict[str, Any], threshold: float) -> SegmentRule:
    on = threshold if options["threshold"] is None else options["threshold"]
    off = on / 2 if options["off"] is None else options["off"]
    return SegmentRule(
        on=on, off=off, merge_gap=options["merge_gap"], min_length=options["min_length"]
    )
