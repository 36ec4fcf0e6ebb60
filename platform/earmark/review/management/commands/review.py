"""``manage.py review``: decide about the tags that Earmark is unsure of."""

from __future__ import annotations

import getpass
import json
import sys
from argparse import ArgumentParser
from collections.abc import Iterable
from dataclasses import asdict
from pathlib import Path
from typing import Any, TextIO, cast

from django.core.management.base import CommandError, CommandParser
from rich.console import Console

from earmark.core.arguments import positive, share
from earmark.core.commands import EarmarkCommand
from earmark.core.database import ensure_migrated
from earmark.library.errors import LibraryUnknownError
from earmark.library.models import Library
from earmark.library.selectors import get_library
from earmark.review.errors import DecisionTableError, InvalidDecisionError
from earmark.review.management import printing
from earmark.review.management.working import Work
from earmark.review.models import Decision, ReviewItem, ReviewItemQuerySet
from earmark.review.selectors import (
    ItemFilter,
    count_items,
    get_item,
    get_item_view,
    get_label_reports,
    get_thresholds,
    iterate_training_rows,
    list_decisions,
    list_items,
)
from earmark.review.services import (
    Refreshed,
    Word,
    decide,
    decide_batch,
    import_decisions,
    preview_batch,
    refresh_library,
    refresh_noted,
    undo_batch,
    undo_decision,
)
from earmark.review.tables import TRAINING_COLUMNS, read_decisions, write_rows

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


class Command(EarmarkCommand):
    """`manage.py review [ACTION] [OPTIONS]`."""

    help = "Decide about the tags that Earmark is unsure of, and see what decisions teach."
    requires_system_checks: list[str] = []
    usage_errors = (LibraryUnknownError, InvalidDecisionError)
    epilog = """
examples:
  earmark review                              a key for each item: a accepts, r rejects
  earmark review work --label Dog --library Foley
  earmark review list --kind conflict --json
  earmark review show 17
  earmark review decide 17 accept
  earmark review decide 17 replace "Fox; Growl" --comment "no dog"
  earmark review decide 17 reject --alike --preview
  earmark review decide 17 reject --alike     the same for all that sound nearly the same
  earmark review undo 5
  earmark review stats
  earmark review thresholds --precision 0.9
  earmark review export training.csv && earmark train training.csv --name mine
  earmark review import decisions.csv --dry-run

exit status: 0 done; 1 something could not be decided or taken back; 2 the command line is wrong
"""

    def add_arguments(self, parser: CommandParser) -> None:
        """Declare the arguments."""
        actions = parser.add_subparsers(dest="action", metavar="ACTION")
        made = {
            name: actions.add_parser(name, help=text, description=text)
            for name, text in _ACTIONS.items()
        }
        for name, action in made.items():
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

    def handle(self, *args: Any, **options: Any) -> None:
        """Do what was asked."""
        ensure_migrated()
        # Where no worker runs, what was tagged since waits for whoever looks first.
        for _ in refresh_noted():
            continue
        action = options.pop("action") or "work"
        getattr(self, f"_{action}")(**{"json": False, **options})

    def _work(self, **options: Any) -> None:
        work = Work(
            reviewer=_reviewer(options),
            items=_items(options),
            source=sys.stdin,
            console=Console(file=cast(TextIO, self.stdout._out), highlight=False),
        )
        decided = work.go()
        self.stderr.write(f"{decided} decided")

    def _list(self, **options: Any) -> None:
        items = _items(options)
        if options["state"] != "all":
            items = items.filter(state=options["state"])
        rows = items.in_order().select_related("file__library")[: options["limit"]]
        for item in rows.iterator(chunk_size=500):
            self._tell(printing.item_values(item), printing.item_line(item), options)

    def _show(self, **options: Any) -> None:
        view = get_item_view(item=get_item(item_id=options["item"]))
        self._tell(printing.view_values(view), "\n".join(printing.view_lines(view)), options)

    def _decide(self, **options: Any) -> None:
        item = get_item(item_id=options["item"])
        reviewer = _reviewer(options)
        words = tuple(word.strip() for text in options["words"] for word in text.split(";"))
        word = Word(
            Decision.Action(options["decision"]), tuple(filter(None, words)), options["comment"]
        )
        if options["alike"]:
            self._decide_alike(item, reviewer, word, options)
            return
        if options["preview"]:
            raise CommandError("--preview goes with --alike.", returncode=2)
        self._tell_decisions([decide(item_id=item.pk, reviewer=reviewer, word=word)], options)

    def _decide_alike(
        self, item: ReviewItem, reviewer: str, word: Word, options: dict[str, Any]
    ) -> None:
        preview = preview_batch(item=item, reviewer=reviewer)
        if options["preview"]:
            for one in preview.items:
                self._tell(printing.item_values(one), printing.item_line(one), options)
            self.stderr.write(
                f"{len(preview.items)} items would be decided: {word.action}; "
                f"{preview.held} others are not free"
            )
            return
        ids = [one.pk for one in preview.items]
        result = decide_batch(item_ids=ids, reviewer=reviewer, word=word)
        self._tell_decisions(result.decisions, options)
        for left in result.left_out:
            self.stderr.write(f"{left.code}: {left.message}")
        if result.decisions:
            self.stderr.write(f"To take them back: earmark review undo --batch {result.batch}")
        if result.left_out or not result.decisions:
            raise CommandError(f"{len(result.left_out)} items were left out.")

    def _undo(self, **options: Any) -> None:
        reviewer = _reviewer(options)
        if options["batch"]:
            undone = undo_batch(batch=options["batch"], reviewer=reviewer)
        else:
            undone = [undo_decision(decision_id=options["decision"], reviewer=reviewer)]
        self._tell_decisions(undone, options)

    def _log(self, **options: Any) -> None:
        meant = _filter(options)
        items = list_items(meant=meant) if meant != ItemFilter() else None
        self._tell_decisions(list_decisions(items=items)[: options["limit"]], options)

    def _stats(self, **options: Any) -> None:
        items = _items(options)
        counts = count_items(items=items)
        open_items = ", ".join(f"{n:,} {kind}" for kind, n in counts["open"].items() if n)
        total = {state: sum(kinds.values()) for state, kinds in counts.items()}
        line = (
            f"{total['open']:,} waiting ({open_items or 'none'}), {total['decided']:,} decided, "
            f"{total['outdated']:,} outdated"
        )
        self._tell({"items": counts}, line, options)
        for report in get_label_reports(items=items, library=_library(options)):
            self._tell(printing.report_values(report), printing.report_line(report), options)

    def _thresholds(self, **options: Any) -> None:
        wanted = options["precision"]
        found = get_thresholds(items=_items(options), precision=wanted, library=_library(options))
        for one in found:
            line = printing.threshold_line(one, wanted)
            self._tell(printing.threshold_values(one), line, options)
        if not found:
            self.stderr.write("Nothing was decided yet that tells about thresholds.")

    def _export(self, **options: Any) -> None:
        rows = iterate_training_rows(items=_items(options))
        lines = write_rows(TRAINING_COLUMNS, rows)
        if options["to"] == Path("-"):
            for line in lines:
                self.stdout.write(line, ending="")
            return
        with options["to"].open("w", encoding="utf-8", newline="") as file:
            count = sum(1 for line in lines if file.write(line)) - 1
        self._tell(
            {"rows": count, "path": str(options["to"])},
            f"{count} rows in {options['to']}",
            options,
        )

    def _import(self, **options: Any) -> None:
        done = import_decisions(
            rows=read_decisions(_read(options["table"])),
            items=_items(options),
            reviewer=_reviewer(options),
            dry_run=options["dry_run"],
        )
        for error in done.errors:
            self._tell(asdict(error), f"line {error.line}: {error.message}", options)
        would = "would be decided" if options["dry_run"] else "decided"
        self.stderr.write(f"{done.decided} {would}, {len(done.errors)} not")
        if done.decided and not options["dry_run"]:
            self.stderr.write(f"To take them back: earmark review undo --batch {done.batch}")
        if done.errors:
            raise CommandError(f"{len(done.errors)} rows were not taken.")

    def _refresh(self, **options: Any) -> None:
        done = Refreshed()
        for _, step in refresh_library(library=_library(options)):
            done += step
        line = f"{done.new:,} new items, {done.changed:,} changed, {done.outdated:,} outdated"
        self._tell(asdict(done), line, options)

    def _tell_decisions(self, decisions: Iterable[Decision], options: dict[str, Any]) -> None:
        for one in decisions:
            self._tell(printing.decision_values(one), printing.decision_line(one), options)

    def _tell(self, values: dict[str, object], line: str, options: dict[str, Any]) -> None:
        self.stdout.write(json.dumps(values) if options["json"] else line)


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


def _reviewer(options: dict[str, Any]) -> str:
    name = options.get("reviewer") or getpass.getuser()
    return str(name)


def _library(options: dict[str, Any]) -> Library | None:
    return get_library(named=options["library"]) if options.get("library") else None


def _filter(options: dict[str, Any]) -> ItemFilter:
    library = _library(options)
    return ItemFilter(
        libraries=[library] if library else None,
        **{name: options.get(name, "") for name in ("label", "kind", "folder", "classifier")},
    )


def _items(options: dict[str, Any]) -> ReviewItemQuerySet:
    return list_items(meant=_filter(options))


def _read(table: Path) -> str:
    try:
        if table == Path("-"):
            return sys.stdin.read()
        return table.read_text("utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise DecisionTableError(f"{table} cannot be read: {error}.") from error
