"""What the API of runs and jobs takes and gives."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from rest_framework import serializers

from earmark.core.api.fields import IdField
from earmark.jobs.asking import list_classifiers
from earmark.jobs.models import Job, Run
from earmark.jobs.selectors import count_jobs
from earmark.library.api.fields import RelativePathField

MOST_FILES = 10_000
"""So many can be named; more are meant by a query."""


class RunSerializer(serializers.ModelSerializer[Run]):
    """One submission: these files, through these classifiers."""

    state = serializers.ChoiceField(
        choices=[*Run.State.values, "paused"], source="standing", read_only=True
    )
    classifiers = serializers.SerializerMethodField(help_text="In the order in which they count.")
    selection = serializers.DictField(help_text="Which files were meant; empty: all.")
    write = serializers.SerializerMethodField(help_text="Whether tags go into the files.")
    requested_by = serializers.CharField(
        source="requested_by.username", default=None, allow_null=True, read_only=True
    )

    class Meta:
        model = Run
        fields = [
            *("id", "library", "under", "selection", "classifiers", "mode", "priority"),
            *("max_tries", "write", "state", "paused_at", "requested_by", "created_at"),
            *("started_at", "finished_at"),
        ]
        read_only_fields = fields

    def get_classifiers(self, run: Run) -> list[str]:
        """Return their names and versions."""
        return [classifier.identity for classifier in list_classifiers(run=run)]

    def get_write(self, run: Run) -> bool:
        """Return what was asked for."""
        return bool(run.options.get("write", False))


class RunCountsSerializer(serializers.Serializer[Any]):
    """How many jobs are in which state."""

    queued = serializers.IntegerField()
    running = serializers.IntegerField()
    succeeded = serializers.IntegerField()
    failed = serializers.IntegerField()
    skipped = serializers.IntegerField()
    cancelled = serializers.IntegerField()
    total = serializers.IntegerField()
    finished = serializers.IntegerField()


class RunDetailSerializer(RunSerializer):
    """A run, and how far it is."""

    jobs = serializers.SerializerMethodField()

    class Meta(RunSerializer.Meta):
        fields = [*RunSerializer.Meta.fields, "jobs"]
        read_only_fields = fields

    def get_jobs(self, run: Run) -> RunCountsSerializer:
        """Count them."""
        counts = count_jobs(run=run)
        values: Any = asdict(counts) | {"total": counts.total, "finished": counts.finished}
        return values  # type: ignore[no-any-return]  # the annotation is for the document


class SelectionInput(serializers.Serializer[Any]):
    """Files of a library."""

    library = IdField()
    under = RelativePathField(
        required=False, allow_blank=True, default="", help_text="A folder or file; empty: all."
    )
    query = serializers.CharField(
        max_length=1000,
        allow_blank=True,
        default="",
        help_text="Words that all must fit: tag:rain status:untagged format:wav path:ambience.",
    )
    files = serializers.ListField(
        child=IdField(),
        max_length=MOST_FILES,
        allow_null=True,
        default=None,
        help_text="These files and no others, by their ids.",
    )


class RunInput(SelectionInput):
    """A run to be submitted."""

    classifiers = serializers.ListField(
        child=serializers.CharField(max_length=100),
        max_length=20,
        default=list,
        help_text="Names, in the order in which they count; empty: the usual one.",
    )
    mode = serializers.ChoiceField(choices=Run.Mode.choices, default=Run.Mode.MISSING)
    priority = serializers.IntegerField(min_value=-100, max_value=100, default=0)
    limit = serializers.IntegerField(
        min_value=1, max_value=2**31 - 1, allow_null=True, default=None
    )
    write = serializers.BooleanField(
        default=False, help_text="Whether accepted tags go into the files."
    )


class RetryInput(serializers.Serializer[Any]):
    """Which failed jobs to queue again."""

    codes = serializers.ListField(
        child=serializers.CharField(max_length=64),
        max_length=100,
        default=list,
        help_text="Only those that failed for these reasons; empty: all.",
    )


class JobSerializer(serializers.ModelSerializer[Job]):
    """One classifier over one file."""

    path = serializers.CharField(source="file.path", read_only=True)
    classifier = serializers.CharField(source="classifier.identity", read_only=True)

    class Meta:
        model = Job
        fields = [
            *("id", "run", "file", "path", "classifier", "state", "reason_code"),
            *("reason_message", "retryable", "tries", "not_before", "worker", "started_at"),
            "finished_at",
        ]
        read_only_fields = fields
