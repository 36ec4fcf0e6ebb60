"""The tags of files, and the policy they follow from."""

from __future__ import annotations

from django.db import models
from django.db.models import Q
from django.db.models.functions import Coalesce

from earmark.library.models import AudioFile, Library


class StoredPolicy(models.Model):
    """What a studio has decided about tags; see `earmark.tagging.knowledge.TagPolicy`.

    The policy without a library is the one of all libraries that have none of their own.
    """

    DEFAULT_THRESHOLD = 0.25

    library = models.OneToOneField(
        Library, on_delete=models.CASCADE, null=True, blank=True, related_name="tag_policy"
    )
    threshold = models.FloatField(
        default=DEFAULT_THRESHOLD, help_text="Confidence from which a label is accepted, 0 to 1."
    )
    updated_at = models.DateTimeField(auto_now=True)

    class Meta:
        verbose_name = "tag policy"
        verbose_name_plural = "tag policies"
        constraints = [
            models.CheckConstraint(
                condition=Q(threshold__gt=0, threshold__lte=1),
                name="tagging_policy_threshold_valid",
            ),
            models.UniqueConstraint(Coalesce("library", 0), name="tagging_policy_one_default"),
        ]

    def __str__(self) -> str:
        return f"from {self.threshold:.2f}"


class TagSet(models.Model):
    """From what the present tags of a file were derived.

    `basis` names everything that may go in (classifier versions, policy, version of the rules)
    and `results` is the number of those classifiers that had said something by then, so that
    equal ones need no new derivation. `tags_key` names the tags that came out, so that equal
    tags need no new write.
    """

    file = models.OneToOneField(AudioFile, on_delete=models.CASCADE, related_name="tag_set")
    audio_hash = models.CharField(max_length=128)
    basis = models.CharField(max_length=64)
    results = models.PositiveSmallIntegerField(default=1)
    tags_key = models.CharField(max_length=64)
    created_at = models.DateTimeField()

    class Meta:
        indexes = [models.Index(fields=["basis"], name="tagging_tagset_basis_idx")]

    def __str__(self) -> str:
        return f"tags of file {self.file_id}"


class TagQuerySet(models.QuerySet["Tag"]):
    """Named filters of tags."""

    def accepted(self) -> TagQuerySet:
        """Tags that belong into the file."""
        return self.filter(decision=Tag.Decision.ACCEPT)


class Tag(models.Model):
    """A word for a file, with the reason it is there.

    `label` and `mid` name the prediction it follows from. `why` holds the reasons as the rules
    gave them: classifier version, score, rule, path through the ontology or the lexicon.
    """

    class Origin(models.TextChoices):
        """Where the word came from."""

        CLASSIFIER = "classifier"
        ONTOLOGY = "ontology"
        SYNONYM = "synonym"
        TRANSLATION = "translation"

    class Decision(models.TextChoices):
        """What the policy says about it; only accepted tags are written into the file."""

        ACCEPT = "accept"
        REVIEW = "review"
        DROP = "drop"

    file = models.ForeignKey(
        AudioFile, on_delete=models.CASCADE, related_name="tags", db_index=False
    )
    name = models.CharField(max_length=200)
    confidence = models.FloatField(null=True, blank=True)
    decision = models.CharField(max_length=6, choices=Decision.choices, default=Decision.ACCEPT)
    label = models.CharField(max_length=200, blank=True, default="")
    mid = models.CharField(max_length=50, blank=True, default="")
    origin = models.CharField(max_length=12, choices=Origin.choices)
    why = models.JSONField(default=dict, blank=True)
    created_at = models.DateTimeField()

    objects = TagQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["file", "name"], name="tagging_tag_once_per_file"),
            models.CheckConstraint(
                condition=Q(confidence__isnull=True) | Q(confidence__gte=0, confidence__lte=1),
                name="tagging_tag_confidence_valid",
            ),
            models.CheckConstraint(
                condition=Q(origin__in=["classifier", "ontology", "synonym", "translation"]),
                name="tagging_tag_origin_valid",
            ),
            models.CheckConstraint(
                condition=Q(decision__in=["accept", "review", "drop"]),
                name="tagging_tag_decision_valid",
            ),
            models.CheckConstraint(condition=~Q(name=""), name="tagging_tag_name_given"),
        ]
        indexes = [models.Index(fields=["name", "confidence"], name="tagging_tag_name_idx")]

    def __str__(self) -> str:
        return self.name
