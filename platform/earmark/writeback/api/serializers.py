"""What the API of tags in files takes and gives."""

from __future__ import annotations

from typing import Any

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from earmark.tagging.api.serializers import FileTagsSerializer, TagChangeSerializer, WordsInput
from earmark.writeback.models import TagWrite


class TagsInput(WordsInput):
    """What a person does to the words of a file."""

    write = serializers.BooleanField(
        allow_null=True,
        default=None,
        help_text="Whether the file is brought up to date; null: if Earmark has written into it "
        "before.",
    )


class ChangedTagsSerializer(FileTagsSerializer):
    """The words of a file after a change."""

    change = TagChangeSerializer(help_text="What can be undone.")
    writes = serializers.BooleanField(help_text="Whether the file will be brought up to date.")


class RemovalQuery(serializers.Serializer[Any]):
    """Which words do not belong to a file."""

    name = serializers.ListField(
        child=serializers.CharField(max_length=100),
        min_length=1,
        max_length=200,
        help_text="A word; may be given several times.",
    )
    comment = serializers.CharField(max_length=500, required=False, allow_blank=True, default="")


class SlotChangeSerializer(serializers.Serializer[Any]):
    """A place in the file that says something else than before."""

    slot = serializers.CharField()
    field = serializers.CharField()
    before = serializers.CharField()
    after = serializers.CharField()


class TagWriteSerializer(serializers.ModelSerializer[TagWrite]):
    """One attempt to bring a file in line with its tags."""

    path = serializers.CharField(source="file.path", read_only=True)
    library = serializers.IntegerField(source="file.library_id", read_only=True)
    can_be_undone = serializers.BooleanField(read_only=True)
    changes = serializers.SerializerMethodField(help_text="What it changed in the file.")

    class Meta:
        model = TagWrite
        fields = [
            *("id", "file", "library", "path", "state", "changes", "error_code"),
            *("error_message", "created_at", "finished_at", "undone_at", "can_be_undone"),
        ]
        read_only_fields = fields

    @extend_schema_field(SlotChangeSerializer(many=True))
    def get_changes(self, write: TagWrite) -> list[dict[str, str]]:
        """Return them as they were planned."""
        return [
            {name: str(change.get(name, "")) for name in ("slot", "field", "before", "after")}
            for change in write.plan.get("changes", [])
        ]


class SegmentsQuery(serializers.Serializer[Any]):
    """How the windows of a classifier become segments."""

    classifier = serializers.CharField(
        max_length=100, required=False, help_text="Its name, also NAME@VERSION."
    )
    threshold = serializers.FloatField(
        min_value=0.001,
        max_value=1.0,
        required=False,
        help_text="Score a segment must reach; default: the library's threshold.",
    )
    merge_gap = serializers.FloatField(min_value=0.0, max_value=3600.0, default=0.5)
    min_length = serializers.FloatField(min_value=0.0, max_value=3600.0, default=0.0)
    all_labels = serializers.BooleanField(
        default=False, help_text="Also labels above others, and those only a person should say."
    )


class SegmentSerializer(serializers.Serializer[Any]):
    """A stretch in which a label is heard."""

    label = serializers.CharField()  # type: ignore[assignment]
    label_id = serializers.CharField()
    start = serializers.FloatField()
    end = serializers.FloatField()
    score = serializers.FloatField(help_text="The highest of a window in it.")
    mean = serializers.FloatField()


class FileTimelineSerializer(serializers.Serializer[Any]):
    """What is heard when in a file."""

    file = serializers.IntegerField()
    classifier = serializers.CharField()
    segments = SegmentSerializer(many=True)
