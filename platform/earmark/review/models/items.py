"""Tags that wait for a person, in the order in which they should be looked at."""

from __future__ import annotations

from django.db import models
from django.db.models import Case, Exists, OuterRef, Q, When
from django.db.models.functions import Now

from earmark.classifiers.models import ClassifierVersion
from earmark.library.models import AudioFile, Library


class Cluster(models.Model):
    """Sounds that one classifier described nearly alike, among those with one label.

    `leader` is the embedding of the first of them, as little-endian float16 of length one; the
    others are as near to it as `earmark.review.clustering.NEAR` says.
    """

    library = models.ForeignKey(Library, on_delete=models.CASCADE, db_index=False)
    classifier = models.ForeignKey(ClassifierVersion, on_delete=models.CASCADE, db_index=False)
    label = models.CharField(max_length=200)
    leader = models.BinaryField()
    size = models.PositiveIntegerField()

    class Meta:
        indexes = [
            models.Index(fields=["library", "label", "classifier"], name="review_cluster_idx"),
        ]

    def __str__(self) -> str:
        return f"cluster {self.pk} of {self.label}"


class ReviewItemQuerySet(models.QuerySet["ReviewItem"]):
    """Named filters of items."""

    def open(self) -> ReviewItemQuerySet:
        """Items that wait for somebody."""
        return self.filter(state=ReviewItem.State.OPEN)

    def for_reviewer(self, reviewer: str) -> ReviewItemQuerySet:
        """Items that this reviewer may take now: nobody else holds them, no word of theirs yet.

        Nor is anybody asked about a sound that is not there, or not in that file any more.
        """
        from earmark.review.models.decisions import Decision  # they refer to each other

        said = Decision.objects.opinions().filter(item=OuterRef("pk"), reviewer=reviewer)
        heard = AudioFile.objects.filter(
            Q(audio_hash=OuterRef("audio_hash")) | Q(audio_hash=""),
            pk=OuterRef("file"),
            state=AudioFile.State.PRESENT,
        )
        return self.open().filter(
            Q(lease_until=None) | Q(lease_until__lt=Now()) | Q(holder=reviewer),
            Q(opinions=0) | ~Exists(said),
            # A bare `Exists` PostgreSQL joins, expects next to nothing of, and sorts all items for;
            # of a CASE it asks one item after the other, in order, until there are enough.
            Case(When(Exists(heard), then=True), default=False),
        )

    def alike(self, item: ReviewItem) -> ReviewItemQuerySet:
        """Items whose sound is nearly that of one of them, that one included."""
        if item.cluster_id is None:
            return self.filter(pk=item.pk)
        return self.filter(cluster=item.cluster_id)

    def in_order(self) -> ReviewItemQuerySet:
        """Items as they should be looked at."""
        return self.order_by("rank", "pk")


class ReviewItem(models.Model):
    """A tag of a file about which a person is to be asked; at most one for a tag and its audio.

    `label`, `score` and `classifier` are those of the tag when it was last derived; `rank` is
    `earmark.review.ranking.Rank.number`. A reviewer holds an item by `holder` until
    `lease_until`; `attempts` counts the holds and is the fencing token. `wanted` is how many
    reviewers are to be asked, `opinions` how many have said something. `verdict` says of a decided
    item whether the tag was right; `effect` is the decision that the file's tags follow, by the
    `TagChange` that `change` names; null where others had said the same before.
    """

    class Kind(models.TextChoices):
        """Why somebody is asked."""

        BAND = "band", "between review and accept"
        CONFLICT = "conflict", "contradicts what a person wrote"
        BLACKLISTED = "blacklisted", "label that always waits"
        CALIBRATION = "calibration", "random slice of accepted tags"

    class State(models.TextChoices):
        """Whether it still waits."""

        OPEN = "open"
        DECIDED = "decided"
        OUTDATED = "outdated", "tag has gone or was set otherwise"

    class Verdict(models.TextChoices):
        """What reviewers found."""

        RIGHT = "right"
        WRONG = "wrong"
        UNSURE = "unsure"

    library = models.ForeignKey(
        Library, on_delete=models.CASCADE, related_name="review_items", db_index=False
    )
    file = models.ForeignKey(
        AudioFile, on_delete=models.CASCADE, related_name="review_items", db_index=False
    )
    audio_hash = models.CharField(max_length=128)
    name = models.CharField(max_length=200)
    label = models.CharField(max_length=200)
    mid = models.CharField(max_length=50, blank=True, default="")
    classifier = models.CharField(max_length=300)
    score = models.FloatField()
    kind = models.CharField(max_length=11, choices=Kind.choices)
    cluster = models.ForeignKey(
        Cluster, on_delete=models.SET_NULL, null=True, related_name="items", db_index=False
    )
    rank = models.BigIntegerField()
    wanted = models.PositiveSmallIntegerField(default=1)
    opinions = models.PositiveSmallIntegerField(default=0)
    state = models.CharField(max_length=8, choices=State.choices, default=State.OPEN)
    verdict = models.CharField(max_length=6, choices=Verdict.choices, blank=True, default="")
    effect = models.BigIntegerField(null=True, blank=True)
    change = models.BigIntegerField(null=True, blank=True)
    holder = models.CharField(max_length=150, blank=True, default="")
    attempts = models.PositiveIntegerField(default=0)
    lease_until = models.DateTimeField(null=True, blank=True)
    created_at = models.DateTimeField(db_default=Now())
    closed_at = models.DateTimeField(null=True, blank=True)

    objects = ReviewItemQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["file", "audio_hash", "name"], name="review_item_once_per_tag"
            ),
            models.CheckConstraint(
                condition=Q(kind__in=["band", "conflict", "blacklisted", "calibration"]),
                name="review_item_kind_valid",
            ),
            models.CheckConstraint(
                condition=Q(state="open", closed_at__isnull=True, verdict="")
                | Q(
                    state="decided",
                    closed_at__isnull=False,
                    verdict__in=["right", "wrong", "unsure"],
                )
                | Q(state="outdated", closed_at__isnull=False, verdict=""),
                name="review_item_state_valid",
            ),
            models.CheckConstraint(
                condition=Q(holder="", lease_until__isnull=True)
                | ~Q(holder="") & Q(lease_until__isnull=False, state="open"),
                name="review_item_held_has_lease",
            ),
            models.CheckConstraint(
                condition=Q(score__gte=0, score__lte=1), name="review_item_score_valid"
            ),
        ]
        indexes = [
            models.Index(fields=["state", "rank", "id"], name="review_item_order_idx"),
            models.Index(fields=["library", "state", "rank"], name="review_item_library_idx"),
            models.Index(fields=["label", "state", "rank"], name="review_item_label_idx"),
            models.Index(fields=["kind", "state", "rank"], name="review_item_kind_idx"),
            models.Index(fields=["classifier", "state", "rank"], name="review_item_classifier_idx"),
            models.Index(fields=["cluster", "state"], name="review_item_cluster_idx"),
        ]

    def __str__(self) -> str:
        return f"item {self.pk}: {self.name}?"


class DueFile(models.Model):
    """That the tags of a file have changed since its items were made.

    Written by triggers in the transaction that changes them (`earmark.review.change_log`), taken
    away in the transaction that makes the items. A file may be in it several times, and need not
    be there any more.
    """

    file_id = models.BigIntegerField()

    class Meta:
        indexes = [models.Index(fields=["file_id"], name="review_due_noted_idx")]

    def __str__(self) -> str:
        return f"items of file {self.file_id}"
