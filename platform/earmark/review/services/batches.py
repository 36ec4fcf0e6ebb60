"""One word about many sounds that are nearly the same: looked at before, taken back at once."""

from __future__ import annotations

import uuid
from collections.abc import Collection, Sequence
from dataclasses import dataclass

from earmark.core.errors import EarmarkError
from earmark.review.errors import ItemUnknownError
from earmark.review.models import Decision, ReviewItem, ReviewItemQuerySet
from earmark.review.services.deciding import Word, decide

MOST = 200
"""Items decided at once: a decision takes some 20 ms, and somebody waits for all of them."""


@dataclass(frozen=True)
class Preview:
    """What a batch would be about.

    Attributes
    ----------
    items : sequence of ReviewItem
        What would be decided, in the order of the queue; `MOST` at most.
    held : int
        How many others are nearly the same, but another reviewer is at them or this one has said
        something about them already.
    """

    items: Sequence[ReviewItem]
    held: int


@dataclass(frozen=True)
class LeftOut:
    """An item that was not decided, and why."""

    item_id: int
    code: str
    message: str


@dataclass(frozen=True)
class BatchResult:
    """What became of a batch; `batch` names it, for its undo."""

    batch: str
    decisions: Sequence[Decision]
    left_out: Sequence[LeftOut]


def preview_batch(
    *, item: ReviewItem, reviewer: str, items: ReviewItemQuerySet | None = None
) -> Preview:
    """Return the open items whose sound is nearly that of `item`, itself included.

    Parameters
    ----------
    item : ReviewItem
    reviewer : str
        Who would decide.
    items : queryset of ReviewItem, optional
        Only these.
    """
    rows = ReviewItem.objects.all() if items is None else items
    alike = rows.alike(item)
    free = alike.for_reviewer(reviewer).in_order().select_related("file__library")[:MOST]
    found = list(free)
    return Preview(found, alike.open().count() - len(found))


def decide_batch(
    *,
    item_ids: Collection[int],
    reviewer: str,
    word: Word,
    items: ReviewItemQuerySet | None = None,
) -> BatchResult:
    """Say the same about several items.

    Each is decided by itself: what cannot be decided stops nothing, and if this is cut off, what
    was decided stands and can be taken back by the name of the batch (`undo_batch`).

    Parameters
    ----------
    item_ids : collection of int
    reviewer : str
    word : Word
    items : queryset of ReviewItem, optional
        Those that may be decided; others are as unknown as those that are not there.
    """
    rows = ReviewItem.objects.all() if items is None else items
    # By file: who decides two batches at once does not wait in a circle.
    known = list(rows.filter(pk__in=item_ids).order_by("file", "pk").values_list("pk", flat=True))
    batch = new_batch()
    decisions: list[Decision] = []
    unknown = sorted(set(item_ids) - set(known))
    left_out = [
        LeftOut(item_id, ItemUnknownError.code, f"There is no item {item_id}.")
        for item_id in unknown
    ]
    for item_id in known:
        try:
            decisions.append(decide(item_id=item_id, reviewer=reviewer, word=word, batch=batch))
        except EarmarkError as error:
            left_out.append(LeftOut(item_id, error.code, str(error)))
    return BatchResult(batch, decisions, left_out)


def new_batch() -> str:
    """Return a new name for a batch."""
    return uuid.uuid4().hex
