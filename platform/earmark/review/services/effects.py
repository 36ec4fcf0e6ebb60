"""What a decision does to a file: its tags change, and are written where Earmark keeps them up."""

from __future__ import annotations

from earmark.review.models import Decision, ReviewItem
from earmark.review.opinions import RIGHT, SAYS
from earmark.tagging.models import TagChange
from earmark.tagging.services import set_file_tags, undo_changes
from earmark.writeback.asking import request_writes_of


def follow_decision(*, item: ReviewItem, by: str) -> None:
    """Let the tags of an item's file follow `item.effect`, and no longer what they followed.

    The item is locked, with its file. Sets `item.change`; storing it is left to the caller. The
    new tags are written into a file into which Earmark has written before; into others when
    somebody asks for it.
    """
    if item.change is not None:
        undo_changes(changes=list(TagChange.objects.filter(pk=item.change)), by=by)
        item.change = None
        # Others may have said the same, so that nothing was noted for them. Now it has to be.
        for other, effect in _unnoted(item):
            other.change = _say(other, effect)
            other.save(update_fields=["change"])
    if item.effect is not None:
        item.change = _say(item, item.effect)
    request_writes_of(file_ids=[item.file_id], only_kept=True)


def _unnoted(item: ReviewItem) -> list[tuple[ReviewItem, int]]:
    """Return the other items of the file whose decision left no change, each with it."""
    others = ReviewItem.objects.filter(file=item.file_id, change=None).exclude(pk=item.pk)
    rows = others.select_related("file__library").order_by("effect")
    return [(other, other.effect) for other in rows if other.effect is not None]


def _say(item: ReviewItem, effect: int) -> int | None:
    """Change the tags of an item's file as a decision says; return the number of the change."""
    decision = Decision.objects.get(pk=effect)
    right = SAYS[decision.action] == RIGHT
    change = set_file_tags(
        file=item.file,
        add=[*([item.name] if right else []), *decision.words],
        remove=[] if right else [item.name],
        by=decision.reviewer,
        comment=decision.comment,
    )
    return change.pk if change is not None else None
