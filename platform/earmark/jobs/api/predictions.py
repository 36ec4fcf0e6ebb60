"""What the classifiers said about a file."""

from __future__ import annotations

from typing import Any

from django.db.models import QuerySet
from drf_spectacular.utils import extend_schema, extend_schema_field
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from earmark.accounts.scopes import Scope
from earmark.core.api.access import Access
from earmark.core.api.views import ApiView
from earmark.jobs.models import PredictionSet
from earmark.jobs.scores import unpack_scores
from earmark.library.access import Role, require_file


class ScoreSerializer(serializers.Serializer[Any]):
    """What a classifier said of one label."""

    label = serializers.CharField()  # type: ignore[assignment]
    id = serializers.CharField(help_text="The label's id, such as AudioSet's.")
    score = serializers.FloatField()
    start = serializers.FloatField(allow_null=True, help_text="Seconds that speak most for it.")
    end = serializers.FloatField(allow_null=True)


class PredictionsSerializer(serializers.ModelSerializer[PredictionSet]):
    """What one classifier said, surest label first."""

    classifier = serializers.CharField(source="classifier.identity", read_only=True)
    scores = serializers.SerializerMethodField()

    class Meta:
        model = PredictionSet
        fields = ["classifier", "created_at", "scores"]
        read_only_fields = fields

    @extend_schema_field(ScoreSerializer(many=True))
    def get_scores(self, row: PredictionSet) -> list[dict[str, Any]]:
        """Spell the stored scores out."""
        return [
            {
                "label": one.label.name,
                "id": one.label.id,
                "score": one.score,
                "start": one.start,
                "end": one.end,
            }
            for one in unpack_scores(row.scores, row.classifier.label_list)
        ]


class FilePredictionsSerializer(serializers.Serializer[Any]):
    """What every classifier said that has heard the file as it is."""

    file = serializers.IntegerField()
    predictions = PredictionsSerializer(many=True)


class PredictionsView(ApiView):
    """What the classifiers said about a file."""

    access = {"get": Access(Scope.READ, Role.VIEWER)}
    serializer_class = FilePredictionsSerializer

    @extend_schema(responses=FilePredictionsSerializer)
    def get(self, request: Request, file_id: int) -> Response:
        """Return all stored scores, the newest classifier first; none if nobody has heard it."""
        file = require_file(request.user, file_id, self.role)
        told = {"file": file.pk, "predictions": _list_results(file.audio_hash)}
        return Response(FilePredictionsSerializer(told).data)


def _list_results(audio_hash: str) -> QuerySet[PredictionSet]:
    rows = PredictionSet.objects.filter(audio_hash=audio_hash) if audio_hash else None
    found = PredictionSet.objects.none() if rows is None else rows
    return found.select_related("classifier").defer("timeline", "embedding").order_by("-id")
