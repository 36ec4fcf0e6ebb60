"""What was written into files, and what is heard when in them."""

from __future__ import annotations

from django.conf import settings
from django.db.models import BooleanField, Case, Q, QuerySet, Value, When
from drf_spectacular.utils import extend_schema
from rest_framework.mixins import ListModelMixin, RetrieveModelMixin
from rest_framework.request import Request
from rest_framework.response import Response

from earmark.accounts.scopes import Scope
from earmark.core.api.access import Access
from earmark.core.api.schema import errors
from earmark.core.api.views import ApiView, ApiViewSet
from earmark.library.access import Role, require_file, roles_of
from earmark.tagging.knowledge.segments import SegmentRule
from earmark.tagging.selectors import get_policy
from earmark.writeback.api.filters import TagWriteFilter
from earmark.writeback.api.serializers import (
    FileTimelineSerializer,
    SegmentsQuery,
    TagWriteSerializer,
)
from earmark.writeback.models import TagWrite
from earmark.writeback.segments import get_segments


class TagWriteViewSet(ListModelMixin, RetrieveModelMixin, ApiViewSet):
    """Writes of tags into files, newest first."""

    access = {"list": Access(Scope.READ), "retrieve": Access(Scope.READ, Role.VIEWER)}
    queryset = TagWrite.objects.none()
    serializer_class = TagWriteSerializer
    filterset_class = TagWriteFilter
    lookup_url_kwarg = "write_id"

    def get_queryset(self) -> QuerySet[TagWrite]:
        """Return those into files that who asks may see; their undo records are large."""
        undoable = When(Q(state=TagWrite.State.WRITTEN, undo__isnull=False), then=Value(True))
        writes = TagWrite.objects.select_related("file").defer("undo")
        writes = writes.annotate(
            can_be_undone=Case(undoable, default=Value(False), output_field=BooleanField())
        )
        if self.request.user.is_superuser:
            return writes
        # As numbers: so PostgreSQL knows how few their files are, and does not go through the
        # writes into all others in search of them.
        return writes.filter(file__library__in=list(roles_of(self.request.user)))


class TimelineView(ApiView):
    """What is heard when in a file."""

    access = {"get": Access(Scope.READ, Role.VIEWER)}
    serializer_class = FileTimelineSerializer

    @extend_schema(
        parameters=[SegmentsQuery], responses={200: FileTimelineSerializer, **errors(409)}
    )
    def get(self, request: Request, file_id: int) -> Response:
        """Return the segments of a classifier, from what it said when it heard the file."""
        file = require_file(request.user, file_id, self.role)
        wanted = self.read_input(SegmentsQuery, request.query_params)
        on = wanted.get("threshold") or max(get_policy(library=file.library).accept, 0.001)
        rule = SegmentRule(
            on=on, off=on / 2, merge_gap=wanted["merge_gap"], min_length=wanted["min_length"]
        )
        heard = get_segments(
            file=file,
            name=wanted.get("classifier") or settings.EARMARK_CLASSIFIER,
            rule=rule,
            all_labels=wanted["all_labels"],
        )
        told = {"file": file.pk, "classifier": heard.classifier, "segments": heard.segments}
        return Response(FileTimelineSerializer(told).data)
