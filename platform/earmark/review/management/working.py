"""Deciding about one item after the other in a terminal, a key each; or through a pipe."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TextIO

from rich.console import Console
from rich.text import Text

from earmark.core.errors import EarmarkError
from earmark.review.errors import LeaseLostError
from earmark.review.management.keys import read_key, read_line
from earmark.review.management.players import find_player, play
from earmark.review.management.printing import counted, decision_line, item_line, view_lines
from earmark.review.models import Decision, ReviewItem, ReviewItemQuerySet
from earmark.review.selectors import get_item_view
from earmark.review.services import (
    LEASE,
    Lease,
    Word,
    decide,
    decide_batch,
    lease_items,
    preview_batch,
    release_lease,
    renew_lease,
    undo_batch,
    undo_decision,
)

KEYS = {
    "a": Decision.Action.ACCEPT,
    "r": Decision.Action.REJECT,
    "w": Decision.Action.REPLACE,
    "+": Decision.Action.ADD,
    "u": Decision.Action.UNSURE,
    "s": Decision.Action.SKIP,
}
_HELP = (
    "[a]ccept [r]eject [w]rong, other words [+] right, more words [u]nsure [s]kip "
    "[b]atch [c]omment [p]lay [z] undo [q]uit"
)


@dataclass
class Work:
    """One reviewer at a terminal.

    Attributes
    ----------
    reviewer : str
    items : queryset of ReviewItem
        Among which to choose.
    source : text stream
    console : Console
    decided : int
        Items about which something was decided here that stands.
    """

    reviewer: str
    items: ReviewItemQuerySet
    source: TextIO
    console: Console
    decided: int = 0
    _undo: list[tuple[int, Callable[[], object]]] = field(default_factory=list)

    def go(self) -> None:
        """Work until nothing is left, or the reviewer has enough."""
        while True:
            found = lease_items(items=self.items, reviewer=self.reviewer)
            if not found:
                self._say("Nothing waits for you.")
                return
            if not self._look_at(found[0]):
                return

    def _look_at(self, item: ReviewItem) -> bool:
        """Show an item until something is decided; False to end the work."""
        lease = Lease(item.pk, item.attempts)
        comment = ""
        self._show(item)
        try:
            while True:
                key = self._key(lease)
                if key in ("", "q"):
                    return False
                if key == "c":
                    comment = read_line(self.source, "comment: ")
                    continue
                try:
                    if self._do(key, item, lease, comment):
                        return True
                except LeaseLostError as error:
                    self._say(str(error))
                    return True
                except EarmarkError as error:
                    self._say(str(error))
        finally:
            release_lease(lease=lease, reviewer=self.reviewer)

    def _do(self, key: str, item: ReviewItem, lease: Lease, comment: str) -> bool:
        """Do what a key asks for; return whether the next item is due."""
        if key in KEYS:
            decision = decide(
                item_id=item.pk,
                reviewer=self.reviewer,
                word=self._word(KEYS[key], comment),
                attempt=lease.attempt,
            )
            self._done(1, lambda: undo_decision(decision_id=decision.pk, reviewer=self.reviewer))
            self._say(decision_line(decision))
            return True
        if key == "b":
            return self._batch(item, comment)
        if key == "z":
            return self._take_back()
        if key == "p":
            self._play(item)
        else:
            self._say(_HELP)
        return False

    def _batch(self, item: ReviewItem, comment: str) -> bool:
        preview = preview_batch(item=item, reviewer=self.reviewer, items=self.items)
        for one in preview.items:
            self._say(item_line(one))
        items = counted(len(preview.items), "item")
        self._say(f"{items}: [a]ccept [r]eject [w] [+] [u], any other key: none")
        action = KEYS.get(self._key(Lease(item.pk, item.attempts)))
        if action is None or action == Decision.Action.SKIP:
            return False
        ids = [one.pk for one in preview.items]
        result = decide_batch(
            item_ids=ids, reviewer=self.reviewer, word=self._word(action, comment)
        )
        for left in result.left_out:
            self._say(left.message)
        if result.decisions:
            self._done(
                len(result.decisions),
                lambda: undo_batch(batch=result.batch, reviewer=self.reviewer),
            )
        self._say(f"{len(result.decisions)} decided; z takes all of them back")
        return item.pk in {one.item_id for one in result.decisions}

    def _take_back(self) -> bool:
        if not self._undo:
            self._say("Nothing was decided here that could be taken back.")
            return False
        decisions, undo = self._undo.pop()
        undo()
        self.decided -= decisions
        self._say("Taken back; it is asked again.")
        return True

    def _play(self, item: ReviewItem) -> None:
        player = find_player()
        if player is None:
            self._say("There is no player: install ffmpeg or sox.")
        elif not play(player, item.file.location):
            self._say("The player could not play it.")

    def _word(self, action: Decision.Action, comment: str) -> Word:
        if action not in (Decision.Action.REPLACE, Decision.Action.ADD):
            return Word(action, comment=comment)
        said = read_line(self.source, "words, separated by semicolons: ").split(";")
        return Word(action, tuple(word.strip() for word in said if word.strip()), comment)

    def _done(self, decisions: int, undo: Callable[[], object]) -> None:
        self.decided += decisions
        self._undo.append((decisions, undo))

    def _key(self, lease: Lease) -> str:
        return read_key(
            self.source,
            every_s=LEASE.total_seconds() / 3,
            meanwhile=lambda: self._renew(lease),
        )

    def _renew(self, lease: Lease) -> None:
        try:
            renew_lease(lease=lease, reviewer=self.reviewer)
        except LeaseLostError as error:
            self._say(str(error))

    def _show(self, item: ReviewItem) -> None:
        first, *others = view_lines(get_item_view(item=item))
        self.console.print(Text(first, style="bold"), soft_wrap=True)
        for line in others:
            self._say(line)
        self._say(_HELP)

    def _say(self, line: str) -> None:
        self.console.print(Text(line), soft_wrap=True)
