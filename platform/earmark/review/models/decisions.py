"""The log of what reviewers said. Nothing in it is ever changed or removed."""

from __future__ import annotations

from typing import Any, NoReturn

from django.db import models
from django.db.models import Q
from django.db.models.functions import Now

from earmark.review.models.items import ReviewItem


class AppendOnlyError(TypeError):
    """Somebody tried to change or remove a row of the log: a mistake in the program."""


def _refuse() -> NoReturn:
    raise AppendOnlyError("Decisions are never changed or removed; take one back by an undo.")


class DecisionQuerySet(models.QuerySet["Decision"]):
    """Named filters of decisions; rows can be added, nothing else."""

    def standing(self) -> DecisionQuerySet:
        """Decisions that nobody has taken back."""
        return self.filter(undone_by=None).exclude(action=Decision.Action.UNDO)

    def opinions(self) -> DecisionQuerySet:
        """Standing decisions that say something about the tag."""
        return self.standing().exclude(action=Decision.Action.SKIP)

    def update(self, **kwargs: Any) -> NoReturn:
        """Refuse."""
        _refuse()

    def delete(self) -> NoReturn:
        """Refuse."""
        _refuse()


class Decision(models.Model):
    """What one reviewer said about one item, or that an earlier word was taken back.

    The row says all by itself what was decided about what, so that it means the same when file,
    library or reviewer are gone: `item` refers to a row that may not exist any more. Decisions
    of one batch share its name.
    """

    class Action(models.TextChoices):
        """What a reviewer can say."""

        ACCEPT = "accept", "the tag is right"
        REJECT = "reject", "the tag is wrong"
        REPLACE = "replace", "wrong; these words are right"
        ADD = "add", "right, and these words too"
        UNSURE = "unsure", "cannot be told"
        SKIP = "skip", "later"
        UNDO = "undo", "an earlier decision is taken back"

    item = models.ForeignKey(
        ReviewItem, on_delete=models.DO_NOTHING, db_constraint=False, related_name="decisions"
    )
    action = models.CharField(max_length=7, choices=Action.choices)
    words = models.JSONField(default=list, blank=True)
    comment = models.TextField(blank=True, default="")
    reviewer = models.CharField(max_length=150)
    batch = models.CharField(max_length=32, blank=True, default="")
    undoes = models.OneToOneField(
        "self", on_delete=models.PROTECT, null=True, blank=True, related_name="undone_by"
    )
    library = models.CharField(max_length=200)
    path = models.TextField()
    audio_hash = models.CharField(max_length=128)
    name = models.CharField(max_length=200)
    label = models.CharField(max_length=200)
    score = models.FloatField()
    classifier = models.CharField(max_length=300)
    kind = models.CharField(max_length=11)
    created_at = models.DateTimeField(db_default=Now())

    objects = DecisionQuerySet.as_manager()

    class Meta:
        ordering = ["-id"]
        constraints = [
            models.CheckConstraint(
                condition=Q(
                    action__in=["accept", "reject", "replace", "add", "unsure", "skip", "undo"]
                ),
                name="review_decision_action_valid",
            ),
            models.CheckConstraint(
                condition=Q(action="undo", undoes__isnull=False)
                | ~Q(action="undo") & Q(undoes__isnull=True),
                name="review_decision_undo_names_one",
            ),
            models.CheckConstraint(
                condition=~Q(reviewer=""), name="review_decision_reviewer_known"
            ),
        ]
        indexes = [
            models.Index(fields=["reviewer", "-id"], name="review_decision_reviewer_idx"),
            models.Index(
                fields=["batch"], condition=~Q(batch=""), name="review_decision_batch_idx"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.reviewer}: {self.action} {self.name!r}"

    def save(self, *args: Any, **kwargs: Any) -> None:
        """Add the row; refuse to change it."""
        if self.pk is not None:
            _refuse()
        super().save(*args, **kwargs)

    def delete(self, *args: Any, **kwargs: Any) -> NoReturn:
        """Refuse."""
        _refuse()
