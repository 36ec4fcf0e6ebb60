"""A reviewer's word about an item, and taking it back."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from django.db import IntegrityError, transaction
from django.utils import timezone

from earmark.core.text import to_storable
from earmark.library.services import lock_files
from earmark.review.errors import (
    DecisionUnknownError,
    InvalidDecisionError,
    ItemClosedError,
    ItemHeldError,
    ItemUnknownError,
    LeaseLostError,
    NothingToUndoError,
    NotYoursError,
)
from earmark.review.models import Decision, ReviewItem
from earmark.review.opinions import Opinion, settle
from earmark.review.ranking import Rank
from earmark.review.services.effects import follow_decision
from earmark.review.services.refreshing import refresh_files
from earmark.tagging.services import Words

MOST_WORDS = 20
MOST_COMMENT = 500

_WITH_WORDS = {Decision.Action.REPLACE, Decision.Action.ADD}


@dataclass(frozen=True)
class Word:
    """What a reviewer says.

    Attributes
    ----------
    action : Decision.Action
        Anything but ``undo``.
    words : tuple of str
        For ``replace`` and ``add``: words that belong to the sound.
    comment : str

    Raises
    ------
    InvalidDecisionError
        If words are missing or not wanted, or there is too much of it.
    earmark.tagging.errors.InvalidWordsError
        If a word cannot be a tag.
    """

    action: Decision.Action
    words: tuple[str, ...] = ()
    comment: str = ""

    def __post_init__(self) -> None:
        if self.action == Decision.Action.UNDO:
            raise InvalidDecisionError("An undo names the decision that it takes back.")
        if self.action in _WITH_WORDS and not self.words:
            raise InvalidDecisionError(f"To {self.action} takes at least one word.")
        if self.words and self.action not in _WITH_WORDS:
            raise InvalidDecisionError(f"To {self.action} takes no words.")
        if len(self.words) > MOST_WORDS or len(self.comment) > MOST_COMMENT:
            raise InvalidDecisionError(
                f"A decision has at most {MOST_WORDS} words and {MOST_COMMENT:,} letters of "
                "comment."
            )
        if self.words:
            Words(add=self.words)


@transaction.atomic
def decide(
    *, item_id: int, reviewer: str, word: Word, attempt: int | None = None, batch: str = ""
) -> Decision:
    """Record a reviewer's word, and let tags and file follow it.

    Parameters
    ----------
    item_id : int
    reviewer : str
    word : Word
    attempt : int, optional
        The hold under which this is said; without one nobody else may hold the item.
    batch : str
        Name of the batch it belongs to.

    Raises
    ------
    ItemUnknownError, ItemClosedError, ItemHeldError, LeaseLostError
        If the item is not, or no longer, this reviewer's to decide; nothing has changed then.
    """
    item = _lock(item_id)
    _check(item, reviewer, attempt)
    decision = _log(
        item, word.action, reviewer, words=word.words, comment=word.comment, batch=batch
    )
    if word.action == Decision.Action.SKIP:
        item.rank = Rank.read(item.rank).skipped().number
        _store(item)
    else:
        _follow(item, reviewer)
    return decision


@transaction.atomic
def undo_decision(*, decision_id: int, reviewer: str, anyone: bool = True) -> Decision:
    """Take a decision back: tags and file follow what is left; return the row that says so.

    Parameters
    ----------
    decision_id : int
    reviewer : str
        Who takes it back.
    anyone : bool
        Whether decisions of others may be taken back.

    Raises
    ------
    DecisionUnknownError, NothingToUndoError, NotYoursError
    """
    decision = Decision.objects.filter(pk=decision_id).first()
    if decision is None:
        raise DecisionUnknownError(f"There is no decision {decision_id}.")
    if decision.reviewer != reviewer and not anyone:
        raise NotYoursError(f"Decision {decision_id} is {decision.reviewer}'s.")
    return _undo(decision, reviewer)


@transaction.atomic
def undo_batch(*, batch: str, reviewer: str, anyone: bool = True) -> list[Decision]:
    """Take back all decisions of a batch that still stand; return the rows that say so.

    Raises
    ------
    DecisionUnknownError, NothingToUndoError, NotYoursError
    """
    decisions = list(Decision.objects.filter(batch=batch).exclude(batch="").order_by("-pk"))
    if not decisions:
        raise DecisionUnknownError(f"There is no batch {batch!r}.")
    if not anyone and any(one.reviewer != reviewer for one in decisions):
        raise NotYoursError(f"The batch {batch} is {decisions[0].reviewer}'s.")
    standing = set(Decision.objects.standing().filter(batch=batch).values_list("pk", flat=True))
    if not standing:
        raise NothingToUndoError(f"Nothing of the batch {batch} stands any more.")
    items = ReviewItem.objects.filter(pk__in=[one.item_id for one in decisions])
    # All at first, as who derives tags does: then nobody waits in a circle.
    lock_files(file_ids=list(items.values_list("file", flat=True)))
    return [_undo(one, reviewer) for one in decisions if one.pk in standing]


def _undo(decision: Decision, reviewer: str) -> Decision:
    if decision.action == Decision.Action.UNDO:
        raise NothingToUndoError(
            f"Decision {decision.pk} is an undo itself.", hint="Decide about the item again."
        )
    try:
        item = _lock(decision.item_id)
    except ItemUnknownError as error:
        raise NothingToUndoError(
            f"What decision {decision.pk} was about is gone.", hint="Its file was removed."
        ) from error
    try:
        with transaction.atomic():
            undo = _log(item, Decision.Action.UNDO, reviewer, undoes=decision)
    except IntegrityError as error:
        raise NothingToUndoError(f"Decision {decision.pk} was taken back already.") from error
    if decision.action == Decision.Action.SKIP:
        item.rank = Rank.read(item.rank).skipped(-1).number
        _store(item)
    else:
        _follow(item, reviewer)
        refresh_files(file_ids=[item.file_id])
    return undo


def _lock(item_id: int) -> ReviewItem:
    """Return an item that nobody else changes meanwhile, nor the tags of its file.

    The file first, as whoever derives its tags does: nobody waits in a circle.
    """
    file = ReviewItem.objects.filter(pk=item_id).values_list("file", flat=True)
    lock_files(file_ids=list(file))
    rows = ReviewItem.objects.select_for_update(of=("self",)).select_related("file__library")
    item = rows.filter(pk=item_id).first()
    if item is None:
        raise ItemUnknownError(f"There is no item {item_id}.")
    return item


def _check(item: ReviewItem, reviewer: str, attempt: int | None) -> None:
    context = {"item": item.pk}
    if item.state != ReviewItem.State.OPEN:
        raise ItemClosedError(
            f"Item {item.pk} is {item.state}: nobody is asked about it any more.", context=context
        )
    if item.file.audio_hash not in ("", item.audio_hash):
        raise ItemClosedError(
            f"The file has other audio than item {item.pk} is about.", context=context
        )
    held = item.lease_until is not None and item.lease_until > timezone.now()
    if attempt is not None and (item.attempts != attempt or item.holder != reviewer):
        raise LeaseLostError("You do not hold this item any more.", context=context)
    if attempt is None and held and item.holder != reviewer:
        raise ItemHeldError(f"{item.holder} is at item {item.pk}.", context=context)
    if Decision.objects.opinions().filter(item=item, reviewer=reviewer).exists():
        raise ItemClosedError(
            f"You have said something about item {item.pk}; now somebody else is asked.",
            context=context,
        )


def _log(
    item: ReviewItem,
    action: Decision.Action,
    reviewer: str,
    *,
    words: Sequence[str] = (),
    comment: str = "",
    batch: str = "",
    undoes: Decision | None = None,
) -> Decision:
    return Decision.objects.create(
        item=item,
        action=action,
        words=[to_storable(word.strip()) for word in words],
        comment=to_storable(comment),
        reviewer=reviewer,
        batch=batch,
        undoes=undoes,
        library=item.file.library.name,
        path=item.file.path,
        audio_hash=item.audio_hash,
        name=item.name,
        label=item.label,
        score=item.score,
        classifier=item.classifier,
        kind=item.kind,
    )


def _follow(item: ReviewItem, by: str) -> None:
    """Let an item, and its file's tags, be what the standing opinions say."""
    rows = Decision.objects.opinions().filter(item=item).order_by("pk")
    opinions = [Opinion(pk, action) for pk, action in rows.values_list("pk", "action")]
    outcome = settle(opinions, wanted=item.wanted)
    item.opinions = len(opinions)
    item.verdict = outcome.verdict
    item.state = ReviewItem.State.DECIDED if outcome.verdict else ReviewItem.State.OPEN
    item.closed_at = timezone.now() if outcome.verdict else None
    if item.effect != outcome.effect:
        item.effect = outcome.effect
        follow_decision(item=item, by=by)
    _store(item)


def _store(item: ReviewItem) -> None:
    """Store what a decision has changed; the hold ends with it."""
    item.holder, item.lease_until = "", None
    item.save(
        update_fields=[
            *("rank", "opinions", "verdict", "state", "closed_at", "effect", "change"),
            *("holder", "lease_until"),
        ]
    )
