"""The tags of files, and the policy they follow from."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Coalesce

from earmark.library.models import AudioFile, Library


class PolicyVersion(models.Model):
    """A tag policy that was used at some time; rows never change.

    `key` is `TagPolicy.version`, a hash of `values`: equal policies share a row.
    """

    key = models.CharField(max_length=16, primary_key=True)
    values = models.JSONField()
    created_at = models.DateTimeField(auto_now_add=True)

    def __str__(self) -> str:
        return self.key


class PolicyChange(models.Model):
    """From when on which policy holds, for one library or for all that have none of their own.

    Rows never change either: the newest one of a library holds, the others are its history.
    Without a policy the library follows the default again.
    """

    library = models.ForeignKey(
        Library, on_delete=models.CASCADE, null=True, blank=True, related_name="policy_changes"
    )
    number = models.PositiveIntegerField()
    policy = models.ForeignKey(
        PolicyVersion, on_delete=models.PROTECT, null=True, blank=True, related_name="changes"
    )
    note = models.CharField(max_length=200, blank=True, default="")
    changed_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, blank=True
    )
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        verbose_name = "tag policy"
        verbose_name_plural = "tag policies"
        ordering = ["-id"]
        constraints = [
            models.UniqueConstraint(
                Coalesce("library", 0), F("number"), name="tagging_policychange_number_uniq"
            ),
        ]

    def __str__(self) -> str:
        return f"version {self.number} of {self.library or 'the default policy'}"


class TagBasis(models.Model):
    """Everything that tags follow from beside the audio and what people wrote; rows never change.

    `key` is a hash of the rest. Tag sets share these rows, so that a million files name the
    versions they were derived with without repeating them.
    """

    key = models.CharField(max_length=64, primary_key=True)
    classifiers = models.JSONField(default=list)
    policy = models.ForeignKey(
        PolicyVersion, on_delete=models.PROTECT, null=True, blank=True, related_name="bases"
    )
    rules_version = models.PositiveSmallIntegerField()
    lexicon = models.CharField(max_length=64, blank=True, default="")
    thesaurus = models.CharField(max_length=64, blank=True, default="")
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        verbose_name_plural = "tag bases"

    def __str__(self) -> str:
        return self.key


class TagSet(models.Model):
    """What the present tags of a file rest on, and what follows from all of them together.

    `results` is the number of classifiers of the basis that had said something by then: a file
    with the same basis and results needs no new derivation. `tags_key` names the words that
    belong into the file, so that equal tags need no new write; `content_key` names the stored
    tags with their reasons, so that equal ones need no new rows. `search_words` are all words
    under which the file is to be found, ancestors included, one a line. `catid` is the file's
    place in UCS with its confidence and runners-up (``[[catid, confidence], ...]``); empty where
    nothing speaks for one. `version` grows whenever tags or category change. Where only people
    have said something, the basis names no classifiers and `results` is 0.
    """

    file = models.OneToOneField(AudioFile, on_delete=models.CASCADE, related_name="tag_set")
    basis = models.ForeignKey(TagBasis, on_delete=models.PROTECT, related_name="tag_sets")
    audio_hash = models.CharField(max_length=128)
    results = models.PositiveSmallIntegerField(default=1)
    tags_key = models.CharField(max_length=64)
    content_key = models.CharField(max_length=64, blank=True, default="")
    search_words = models.TextField(blank=True, default="")
    catid = models.CharField(max_length=16, blank=True, default="")
    catid_confidence = models.FloatField(null=True, blank=True)
    catid_runners_up = models.JSONField(default=list, blank=True)
    version = models.PositiveIntegerField(default=1)
    created_at = models.DateTimeField()

    class Meta:
        indexes = [models.Index(fields=["catid", "file"], name="tagging_tagset_catid_idx")]

    def __str__(self) -> str:
        return f"tags of file {self.file_id}"


class TagChangeQuerySet(models.QuerySet["TagChange"]):
    """Named filters of changes."""

    def standing(self) -> TagChangeQuerySet:
        """Changes that were not taken back."""
        return self.filter(undone_at=None)


class TagChange(models.Model):
    """Something a person did to the tags of a file; what holds follows from all that stand.

    `words` are those of `earmark.tagging.knowledge.WordChange` by its names. `by_name` outlives
    the account. Changes that were asked for together share a `batch`, which has one of each file
    at most.
    """

    file = models.ForeignKey(
        AudioFile, on_delete=models.CASCADE, related_name="tag_changes", db_index=False
    )
    words = models.JSONField()
    comment = models.CharField(max_length=500, blank=True, default="")
    by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, related_name="+"
    )
    by_name = models.CharField(max_length=150)
    batch = models.CharField(max_length=32, blank=True, default="")
    created_at = models.DateTimeField()
    undone_at = models.DateTimeField(null=True, blank=True)
    undone_by_name = models.CharField(max_length=150, blank=True, default="")

    objects = TagChangeQuerySet.as_manager()

    class Meta:
        ordering = ["-id"]
        constraints = [
            models.UniqueConstraint(
                fields=["batch", "file"],
                condition=~Q(batch=""),
                name="tagging_tagchange_batch_uniq",
            ),
            models.CheckConstraint(
                condition=Q(undone_at__isnull=True, undone_by_name="")
                | Q(undone_at__isnull=False) & ~Q(undone_by_name=""),
                name="tagging_tagchange_undone_by",
            ),
        ]
        indexes = [models.Index(fields=["file", "id"], name="tagging_tagchange_file_idx")]

    def __str__(self) -> str:
        return f"change {self.pk} of file {self.file_id}"


class ThesaurusEntry(models.Model):
    """A studio's own words for a term; see `earmark.tagging.knowledge.thesaurus`.

    Entries without a library are those of all libraries; a library's own entry about the same
    term replaces them. `synonyms` is null where WordNet's are written.
    """

    library = models.ForeignKey(
        Library, on_delete=models.CASCADE, null=True, blank=True, related_name="thesaurus"
    )
    term = models.CharField(max_length=200)
    term_key = models.CharField(max_length=200, editable=False)
    preferred = models.CharField(max_length=200, blank=True, default="")
    synonyms = models.JSONField(null=True, blank=True)
    forbidden = models.JSONField(default=list, blank=True)
    translations = models.JSONField(default=dict, blank=True)
    updated_at = models.DateTimeField(auto_now=True)

    class Meta:
        verbose_name_plural = "thesaurus entries"
        ordering = ["term_key"]
        constraints = [
            models.UniqueConstraint(
                Coalesce("library", 0), F("term_key"), name="tagging_thesaurus_term_uniq"
            ),
            models.CheckConstraint(condition=~Q(term_key=""), name="tagging_thesaurus_term_given"),
        ]

    def __str__(self) -> str:
        return self.term


class FileEvidence(models.Model):
    """What people had written in a file and its name when Earmark last looked.

    `said` is `Evidence.as_dict()`. A file that could not be read has a `problem` and what its
    name says.
    """

    file = models.OneToOneField(AudioFile, on_delete=models.CASCADE, related_name="evidence")
    said = models.JSONField(default=dict, blank=True)
    problem = models.CharField(max_length=64, blank=True, default="")
    read_at = models.DateTimeField()

    class Meta:
        verbose_name_plural = "file evidence"

    def __str__(self) -> str:
        return f"what was said about file {self.file_id}"


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
        PERSON = "person"

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
                condition=Q(
                    origin__in=["classifier", "ontology", "synonym", "translation", "person"]
                ),
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
