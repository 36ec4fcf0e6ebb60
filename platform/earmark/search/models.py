"""The index of all files. Everything in it follows from other tables and can be made anew.

No row refers to another table by a foreign key: the index may be behind, and must not hold up
those who change what it is about.
"""

from __future__ import annotations

from django.db import models


class SearchDocument(models.Model):
    """A file in the index: what found files are sorted and counted by.

    `place` is `earmark.search.documents.place_of` its id. The words are kept beside this as the
    database can search them best (`earmark.search.backends`). `duration` is -1 until somebody has
    heard the file.
    """

    place = models.BigIntegerField(primary_key=True)
    file_id = models.BigIntegerField(unique=True)
    library_id = models.BigIntegerField()
    state = models.CharField(max_length=10)
    container = models.CharField(max_length=32, blank=True, default="")
    channels = models.PositiveSmallIntegerField(null=True)
    sample_rate = models.PositiveIntegerField(null=True)
    duration = models.FloatField(default=-1)
    catid = models.CharField(max_length=16, blank=True, default="")
    modified = models.BigIntegerField()
    sort_name = models.CharField(max_length=100)
    content_key = models.CharField(max_length=24)

    class Meta:
        indexes = [
            models.Index(fields=["sort_name", "place"], name="search_document_name_idx"),
            models.Index(fields=["duration", "place"], name="search_document_duration_idx"),
            models.Index(fields=["modified", "place"], name="search_document_modified_idx"),
        ]

    def __str__(self) -> str:
        return f"file {self.file_id}"


class DocumentTerms(models.Model):
    """What a file has added to the counts of `SearchTerm`: ``kind text``, one a line."""

    place = models.BigIntegerField(primary_key=True)
    terms = models.TextField(blank=True, default="")

    def __str__(self) -> str:
        return f"terms of {self.place}"


class SearchTerm(models.Model):
    """How many files of a library have a tag, a CatID, or a word in name, tags or keywords."""

    class Kind(models.TextChoices):
        """What it is."""

        TAG = "tag"
        CATID = "catid", "CatID"
        WORD = "word"

    library_id = models.BigIntegerField()
    kind = models.CharField(max_length=5, choices=Kind.choices)
    text = models.CharField(max_length=200)
    folded = models.CharField(max_length=200)
    files = models.IntegerField()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["library_id", "kind", "text"], name="search_term_once_per_library"
            ),
            models.CheckConstraint(
                condition=models.Q(kind__in=["tag", "catid", "word"]), name="search_term_kind_valid"
            ),
        ]
        indexes = [
            models.Index(
                fields=["kind", "folded"],
                name="search_term_folded_idx",
                opclasses=["varchar_ops", "varchar_pattern_ops"],
            )
        ]

    def __str__(self) -> str:
        return self.text


class SearchChange(models.Model):
    """That something about a file has changed which the index does not know yet.

    Written by triggers in the transaction that changes it (`earmark.search.change_log`), taken
    away in the transaction that brings the index up to date. A file may be in it several times.
    """

    file_id = models.BigIntegerField()

    class Meta:
        indexes = [models.Index(fields=["file_id"], name="search_change_noted_idx")]

    def __str__(self) -> str:
        return f"change of file {self.file_id}"


class EmbeddingChange(models.Model):
    """That an embedding is another now than its `EmbeddingRow` stands for; as `SearchChange`."""

    prediction_set_id = models.BigIntegerField()

    class Meta:
        indexes = [models.Index(fields=["prediction_set_id"], name="search_embedding_noted_idx")]

    def __str__(self) -> str:
        return f"embedding of {self.prediction_set_id}"


class EmbeddingRow(models.Model):
    """An embedding in the order in which the matrices of `earmark.search.matrix` take it up.

    Only the indexer makes these, one at a time, so a row that has become visible is never
    followed by one with a smaller number: who has taken up all to a number has missed none. An
    embedding that was computed anew gets a new row.
    """

    classifier_id = models.BigIntegerField()
    prediction_set_id = models.BigIntegerField(unique=True)

    class Meta:
        indexes = [models.Index(fields=["classifier_id", "id"], name="search_embedding_order_idx")]

    def __str__(self) -> str:
        return f"row of {self.prediction_set_id}"


class IndexerLock(models.Model):
    """The row that an indexer holds while it works: there is one indexer at a time."""

    class Meta:
        constraints = [
            models.CheckConstraint(condition=models.Q(id=1), name="search_indexer_lock_single")
        ]

    def __str__(self) -> str:
        return "the indexer's lock"
