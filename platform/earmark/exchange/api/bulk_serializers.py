"""What the API of operations on many files takes and gives."""

from __future__ import annotations

from typing import Any

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from earmark.core.api.fields import IdField
from earmark.exchange.bulk.models import BulkOperation
from earmark.jobs.api.serializers import SelectionInput
from earmark.search.api.inputs import SearchFilterInput
from earmark.tagging.api.serializers import WordsField

KINDS = ("add", "remove", "replace", "write", "undo_writes", "rerun")
"""What can be asked for; the others have addresses of their own."""


class ProblemSerializer(serializers.Serializer[Any]):
    """Why nothing was done to a file."""

    file = serializers.IntegerField()
    code = serializers.CharField()
    message = serializers.CharField()


class BulkSerializer(serializers.ModelSerializer[BulkOperation]):
    """An operation on many files, and how far it is."""

    operation = serializers.ChoiceField(
        choices=BulkOperation.Kind.choices, source="kind", read_only=True
    )
    selection = serializers.DictField(help_text="Which files are meant; empty: all.")
    tags = serializers.SerializerMethodField(help_text="The words that are added or removed.")
    batch = serializers.CharField(
        read_only=True, help_text="What the changes of tags that it made are marked with."
    )
    problems = serializers.SerializerMethodField(help_text="The first of those that failed.")
    requested_by = serializers.CharField(source="requested_by_name", read_only=True)

    class Meta:
        model = BulkOperation
        fields = [
            *("id", "library", "operation", "selection", "tags", "comment", "undoes", "run"),
            *("batch", "state", "error_code", "error_message", "total", "done", "changed"),
            *("failed", "problems", "requested_by", "created_at", "started_at", "finished_at"),
        ]
        read_only_fields = fields

    def get_tags(self, operation: BulkOperation) -> list[str]:
        """Return them; empty where the operation is about none."""
        words: list[str] = operation.options.get("tags", [])
        return words

    @extend_schema_field(ProblemSerializer(many=True))
    def get_problems(self, operation: BulkOperation) -> list[dict[str, object]]:
        """Spell them out."""
        return [
            {"file": file, "code": code, "message": message}
            for file, code, message in operation.problems
        ]


class BulkFilesInput(SelectionInput):
    """Files of a library; all that is given has to fit, and without anything all are meant."""

    run = IdField(allow_null=True, default=None, help_text="Only files of this run.")
    search = SearchFilterInput(
        allow_null=True,
        default=None,
        help_text="Only files that the search finds: words and filters as `GET /search` takes "
        "them, lists in place of commas.",
    )


class MeantFileSerializer(serializers.Serializer[Any]):
    """One of the files that are meant."""

    id = serializers.IntegerField()
    path = serializers.CharField(help_text="Within the library.")


class BulkPreviewSerializer(serializers.Serializer[Any]):
    """What an operation would be about."""

    total = serializers.IntegerField()
    complete = serializers.BooleanField(
        help_text="Whether the search knows of all changes; false while some wait to be indexed."
    )
    files = MeantFileSerializer(many=True, help_text="The first of them, by their ids.")


class BulkInput(BulkFilesInput):
    """Something to be done to many files of a library."""

    operation = serializers.ChoiceField(choices=KINDS)
    tags = WordsField(default=list, help_text="For add, remove and replace.")
    comment = serializers.CharField(max_length=500, allow_blank=True, default="")
    write = serializers.BooleanField(
        allow_null=True,
        default=None,
        help_text="Whether the files are brought up to date; null: those into which Earmark has "
        "written before.",
    )
    classifiers = serializers.ListField(
        child=serializers.CharField(max_length=100),
        max_length=20,
        default=list,
        help_text="For rerun: names, in the order in which they count; empty: the usual one.",
    )
    force = serializers.BooleanField(
        default=False, help_text="For rerun: also what has a result already."
    )
