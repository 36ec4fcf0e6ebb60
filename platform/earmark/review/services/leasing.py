"""Who is at which item: take, hold, give back. Two reviewers never hold the same one.

As with jobs, taking is an update of rows that are free in that moment, a hold ends by itself
unless it is renewed, and the number of the hold tells an old one from a new one.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

from django.db import transaction
from django.db.models import F
from django.db.models.functions import Now

from earmark.review.errors import LeaseLostError
from earmark.review.models import ReviewItem, ReviewItemQuerySet

LEASE = timedelta(minutes=5)
"""How long an item is held without a sign of life."""


@dataclass(frozen=True)
class Lease:
    """A hold on an item: its number, and that of the hold."""

    item_id: int
    attempt: int


def lease_items(*, items: ReviewItemQuerySet, reviewer: str, limit: int = 1) -> list[ReviewItem]:
    """Take the next items for a reviewer; those that they hold already are among them.

    Whoever asks again, after a reload or from a second window, gets what they were at: the new
    hold replaces their old one.

    Parameters
    ----------
    items : queryset of ReviewItem
        From which to choose; in which order is not theirs to say.
    reviewer : str
    limit : int

    Returns
    -------
    list of ReviewItem
        In the order in which they should be looked at; fewer if there are no more.
    """
    with transaction.atomic():
        free = (
            items.for_reviewer(reviewer)
            .in_order()
            .select_for_update(skip_locked=True, of=("self",))
        )
        ids = list(free.values_list("pk", flat=True)[:limit])
        taken = ReviewItem.objects.filter(pk__in=ids)
        taken.update(holder=reviewer, attempts=F("attempts") + 1, lease_until=Now() + LEASE)
        return list(taken.select_related("file__library", "cluster").in_order())


def renew_lease(*, lease: Lease, reviewer: str) -> ReviewItem:
    """Hold an item for longer.

    Raises
    ------
    LeaseLostError
        If somebody else has taken it, it was decided, or it was taken anew.
    """
    if not _held(lease, reviewer).update(lease_until=Now() + LEASE):
        raise LeaseLostError("You do not hold this item any more.", context={"item": lease.item_id})
    return ReviewItem.objects.get(pk=lease.item_id)


def release_lease(*, lease: Lease, reviewer: str) -> bool:
    """Give an item back undecided; return whether it was held."""
    return bool(_held(lease, reviewer).update(holder="", lease_until=None))


def _held(lease: Lease, reviewer: str) -> ReviewItemQuerySet:
    return ReviewItem.objects.open().filter(
        pk=lease.item_id, attempts=lease.attempt, holder=reviewer
    )
