"""Why a file has the words it has, and what people did to them."""

from __future__ import annotations

from typing import Any

from django.db.models import QuerySet
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.mixins import ListModelMixin
from rest_framework.request import Request
from rest_framework.response import Response

from earmark.accounts.scopes import Scope
from earmark.core.api.access import Access
from earmark.core.api.views import ApiView, ApiViewSet
from earmark.library.access import Role, require_file
from earmark.tagging.api.serializers import (
    ReasonSerializer,
    TagChangeSerializer,
    reason_values,
)
from earmark.tagging.explaining import ExplainedTag, Explanation, explain_file
from earmark.tagging.models import Tag, TagChange
from earmark.tagging.selectors import list_tag_changes


class ExplainedTagSerializer(serializers.Serializer[Any]):
    """A word, also one that was dropped, and why."""

    name = serializers.CharField()
    decision = serializers.ChoiceField(choices=Tag.Decision.choices)
    confidence = serializers.FloatField()
    label = serializers.CharField()  # type: ignore[assignment]
    mid = serializers.CharField()
    reason = ReasonSerializer()


class ExplanationSerializer(serializers.Serializer[Any]):
    """What is known about the words of a file."""

    file = serializers.IntegerField()
    classifiers = serializers.ListField(
        child=serializers.CharField(), help_text="Whose word the tags rest on."
    )
    heard = serializers.ListField(
        child=serializers.CharField(), help_text="Those of them that have heard the file."
    )
    policy = serializers.CharField(allow_null=True, help_text="Version of the policy.")
    outdated = serializers.BooleanField(help_text="Whether policy or words have changed since.")
    said = serializers.DictField(help_text="What people had written in file and path before.")
    tags = ExplainedTagSerializer(many=True)
    keywords = serializers.ListField(
        child=serializers.CharField(), allow_null=True, help_text="What the file says now."
    )
    own_keywords = serializers.ListField(
        child=serializers.CharField(), allow_null=True, help_text="Those of them from Earmark."
    )
    unreadable = serializers.CharField(help_text="Why the file cannot be read; empty if it can.")


class ExplanationView(ApiView):
    """Why a file has the words it has."""

    access = {"get": Access(Scope.READ, Role.VIEWER)}
    serializer_class = ExplanationSerializer

    @extend_schema(responses=ExplanationSerializer)
    def get(self, request: Request, file_id: int) -> Response:
        """Explain every word: accepted, waiting, and dropped."""
        told = explain_file(require_file(request.user, file_id, self.role))
        return Response(ExplanationSerializer(_values(told)).data)


class TagChangeViewSet(ListModelMixin, ApiViewSet):
    """What people did to the words of a file, newest first."""

    access = {"list": Access(Scope.READ, Role.VIEWER)}
    queryset = TagChange.objects.none()
    serializer_class = TagChangeSerializer

    def get_queryset(self) -> QuerySet[TagChange]:
        """Return the changes of the file of the address."""
        file = require_file(self.request.user, self.kwargs["file_id"], self.role)
        return list_tag_changes(file_id=file.pk)


def _values(told: Explanation) -> dict[str, Any]:
    in_file = told.in_file
    return {
        "file": told.file.pk,
        "classifiers": told.basis.classifiers if told.basis else [],
        "heard": told.heard,
        "policy": told.basis.policy_id if told.basis else None,
        "outdated": told.outdated,
        "said": told.evidence.as_dict(),
        "tags": [_tag_values(tag) for tag in told.tags],
        "keywords": None if in_file is None else in_file.keywords,
        "own_keywords": None if in_file is None else in_file.own_keywords,
        "unreadable": told.unreadable,
    }


def _tag_values(tag: ExplainedTag) -> dict[str, Any]:
    return {
        "name": tag.name,
        "decision": tag.decision,
        "confidence": tag.confidence,
        "label": tag.label,
        "mid": tag.mid,
        "reason": reason_values(tag.why, tag.name),
    }
