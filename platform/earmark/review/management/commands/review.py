"""``manage.py review``: decide about the tags that Earmark is unsure of."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import asdict
from pathlib import Path
from typing import Any, TextIO, cast

from django.core.management.base import CommandError, CommandParser
from rich.console import Console

from earmark.core.commands import EarmarkCommand
from earmark.core.database import ensure_migrated
from earmark.library.errors import LibraryUnknownError
from earmark.review.errors import InvalidDecisionError
from earmark.review.management import printing
from earmark.review.management.arguments import (
    MOST_ROWS,
    declare,
    filter_of,
    library_of,
    read_text,
    reviewer_of,
)
from earmark.review.management.working import Work
from earmark.review.models import Decision, ReviewItem
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
  earmark review export training.csv
  earmark train embedding-linear --data training.csv --name mine
  earmark review import decisions.csv --dry-run

exit status: 0 done; 1 something could not be decided or taken back; 2 the command line is wrong
"""

    def add_arguments(self, parser: CommandParser) -> None:
        """Declare the arguments."""
        declare(parser)

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
            reviewer=reviewer_of(options),
            items=list_items(meant=filter_of(options)),
            source=sys.stdin,
            console=Console(file=cast(TextIO, self.stdout._out), highlight=False),
        )
        with suppress(KeyboardInterrupt):  # as q: what is held is given back
            work.go()
        self.stderr.write(f"{work.decided} decided")
        if work.decided:
            self.stderr.write("Files that have tags from Earmark follow by `earmark up` or `tag`.")

    def _list(self, **options: Any) -> None:
        items = list_items(meant=filter_of(options))
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
        reviewer = reviewer_of(options)
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
                f"{printing.counted(len(preview.items), 'item')} would be decided: {word.action}; "
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
            raise CommandError(f"Left out: {printing.counted(len(result.left_out), 'item')}.")

    def _undo(self, **options: Any) -> None:
        reviewer = reviewer_of(options)
        if options["batch"]:
            undone = undo_batch(batch=options["batch"], reviewer=reviewer)
        else:
            undone = [undo_decision(decision_id=options["decision"], reviewer=reviewer)]
        self._tell_decisions(undone, options)

    def _log(self, **options: Any) -> None:
        meant = filter_of(options)
        items = list_items(meant=meant) if meant != ItemFilter() else None
        self._tell_decisions(list_decisions(items=items)[: options["limit"]], options)

    def _stats(self, **options: Any) -> None:
        items = list_items(meant=filter_of(options))
        counts = count_items(items=items)
        open_items = ", ".join(f"{n:,} {kind}" for kind, n in counts["open"].items() if n)
        total = {state: sum(kinds.values()) for state, kinds in counts.items()}
        line = (
            f"{total['open']:,} waiting ({open_items or 'none'}), {total['decided']:,} decided, "
            f"{total['outdated']:,} outdated"
        )
        self._tell({"items": counts}, line, options)
        for report in get_label_reports(items=items, library=library_of(options)):
            self._tell(printing.report_values(report), printing.report_line(report), options)

    def _thresholds(self, **options: Any) -> None:
        wanted = options["precision"]
        found = get_thresholds(
            items=list_items(meant=filter_of(options)),
            precision=wanted,
            library=library_of(options),
        )
        for one in found:
            line = printing.threshold_line(one, wanted)
            self._tell(printing.threshold_values(one), line, options)
        if not found:
            self.stderr.write("Nothing was decided yet that tells about thresholds.")

    def _export(self, **options: Any) -> None:
        rows = iterate_training_rows(items=list_items(meant=filter_of(options)))
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
            rows=read_decisions(read_text(options["table"]), most=MOST_ROWS),
            items=list_items(meant=filter_of(options)),
            reviewer=reviewer_of(options),
            dry_run=options["dry_run"],
        )
        for error in done.errors:
            self._tell(asdict(error), f"line {error.line}: {error.message}", options)
        would = "would be decided" if options["dry_run"] else "decided"
        self.stderr.write(f"{done.decided} {would}, {len(done.errors)} not")
        if done.decided and not options["dry_run"]:
            self.stderr.write(f"To take them back: earmark review undo --batch {done.batch}")
        if done.errors:
            raise CommandError(f"Not taken: {printing.counted(len(done.errors), 'row')}.")

    def _refresh(self, **options: Any) -> None:
        done = Refreshed()
        for _, step in refresh_library(library=library_of(options)):
            done += step
        line = f"{done.new:,} new items, {done.changed:,} changed, {done.outdated:,} outdated"
        self._tell(asdict(done), line, options)

    def _tell_decisions(self, decisions: Iterable[Decision], options: dict[str, Any]) -> None:
        for one in decisions:
            self._tell(printing.decision_values(one), printing.decision_line(one), options)

    def _tell(self, values: dict[str, object], line: str, options: dict[str, Any]) -> None:
        self.stdout.write(json.dumps(values) if options["json"] else line)
