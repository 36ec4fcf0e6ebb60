"""What goes into and comes out of the API of uploads."""

from __future__ import annotations

import math
from typing import Any

from django.conf import settings
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from earmark.uploads.models import Upload

LONGEST_S = 1e6
_NOT_SENT = "No file was sent in the field `audio`."


class SecondsField(serializers.FloatField):
    """A finite number of seconds, not below zero and no longer than any sound."""

    def __init__(self, **options: Any) -> None:
        super().__init__(min_value=0, max_value=LONGEST_S, **options)

    def to_internal_value(self, data: Any) -> float:
        """Refuse what is no number, also those that call themselves one."""
        value = super().to_internal_value(data)
        if not math.isfinite(value):
            self.fail("invalid")
        return value


class UploadInput(serializers.Serializer[Any]):
    """A sound, and what to know about it."""

    audio = serializers.FileField(
        max_length=1000,
        error_messages={"required": _NOT_SENT, "invalid": _NOT_SENT},
        help_text="The sound file, in any format that libraries may hold.",
    )
    classifier = serializers.ListField(
        child=serializers.CharField(max_length=100),
        required=False,
        default=list,
        max_length=8,
        help_text="Names of classifiers, such as `audioset`; without one, the usual one.",
    )
    start = SecondsField(
        default=0.0, help_text="Seconds from the beginning at which the part to classify begins."
    )
    end = SecondsField(
        required=False,
        help_text="Seconds from the beginning at which it ends; by default the end of the sound.",
    )
    wait = SecondsField(
        required=False,
        help_text="Seconds to wait for the answer, no more than EARMARK_UPLOAD_WAIT_SECONDS.",
    )

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        """Refuse a part without length, and bound how long to wait."""
        end = attrs.get("end")
        if end is not None and end <= attrs["start"]:
            raise serializers.ValidationError({"end": ["Must be after `start`."]})
        longest = float(settings.EARMARK_UPLOAD_WAIT_SECONDS)
        return attrs | {"end": end, "wait": min(attrs.get("wait", longest), longest)}


class LabelPredictionSerializer(serializers.Serializer[Any]):
    """What a classifier says of one label."""

    label_id = serializers.CharField(help_text="Id in the vocabulary of the classifier.")
    label = serializers.CharField(help_text="Its name.")  # type: ignore[assignment]
    score = serializers.FloatField(help_text="From 0 to 1.")
    start = serializers.FloatField(help_text="Where the stretch begins that speaks most for it.")
    end = serializers.FloatField(help_text="Where that ends, in seconds.")


class ClassifierAnswerSerializer(serializers.Serializer[Any]):
    """What one classifier says of the sound."""

    classifier = serializers.CharField(help_text="Name and version, such as `audioset@1.1.0`.")
    predictions = LabelPredictionSerializer(many=True, help_text="Best first, at most 50.")


class UploadResultSerializer(serializers.Serializer[Any]):
    """What was found out about a sound."""

    duration = serializers.FloatField(
        allow_null=True,
        help_text="Seconds of the whole sound; null where only a part was decoded and the file "
        "does not say.",
    )
    sample_rate = serializers.IntegerField()
    channels = serializers.IntegerField()
    container = serializers.CharField()
    codec = serializers.CharField()
    classifiers = ClassifierAnswerSerializer(many=True)


class UploadErrorSerializer(serializers.Serializer[Any]):
    """Why a sound could not be classified."""

    code = serializers.CharField()
    message = serializers.CharField()


class UploadSerializer(serializers.ModelSerializer[Upload]):
    """A sound that was sent to be classified, and what came of it."""

    id = serializers.CharField(read_only=True)
    classifiers = serializers.ListField(child=serializers.CharField(), read_only=True)
    result = UploadResultSerializer(read_only=True, allow_null=True)
    error = serializers.SerializerMethodField()

    class Meta:
        model = Upload
        fields = [
            "id",
            "state",
            "classifiers",
            "size",
            "start",
            "end",
            "result",
            "error",
            "created_at",
            "finished_at",
            "expires_at",
        ]
        read_only_fields = fields

    @extend_schema_field(UploadErrorSerializer(allow_null=True))
    def get_error(self, upload: Upload) -> dict[str, str] | None:
        """Return why there is no answer and will be none."""
        if upload.state != Upload.State.FAILED:
            return None
        return {"code": upload.error_code, "message": upload.error_message}
