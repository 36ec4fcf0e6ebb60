"""What the API tells of classifiers."""

from __future__ import annotations

from typing import Any

from rest_framework import serializers

from earmark.classifiers.models import ClassifierVersion


class ClassifierSerializer(serializers.ModelSerializer[ClassifierVersion]):
    """A classifier in one version."""

    label_count = serializers.SerializerMethodField()
    devices = serializers.ListField(child=serializers.CharField())

    class Meta:
        model = ClassifierVersion
        fields = [
            *("id", "name", "version", "identity", "description", "licence", "label_count"),
            *("sample_rate", "devices", "embedding_size", "memory_mb", "calibrated"),
            *("distribution", "installed", "enabled", "first_seen_at"),
        ]
        read_only_fields = fields

    def get_label_count(self, classifier: ClassifierVersion) -> int:
        """Return how many labels it knows."""
        return len(classifier.labels)


class LabelSerializer(serializers.Serializer[Any]):
    """Something a classifier can hear."""

    id = serializers.CharField()
    name = serializers.CharField()


class ClassifierDetailSerializer(ClassifierSerializer):
    """A classifier with its vocabulary."""

    labels = LabelSerializer(many=True, source="label_list")

    class Meta(ClassifierSerializer.Meta):
        fields = [*ClassifierSerializer.Meta.fields, "labels"]
        read_only_fields = fields
