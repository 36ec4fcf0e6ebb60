"""Addresses of tags and tag writes, below ``api/v1/``."""

from __future__ import annotations

from django.urls import path

from earmark.writeback.api.tags import FileTagsView, TagChangeUndoView
from earmark.writeback.api.writes import TagWriteViewSet, TimelineView

urlpatterns = [
    path("files/<int:file_id>/tags", FileTagsView.as_view()),
    path("files/<int:file_id>/tag-changes/<int:change_id>/undo", TagChangeUndoView.as_view()),
    path("files/<int:file_id>/timeline", TimelineView.as_view()),
    path("tag-writes", TagWriteViewSet.as_view({"get": "list"})),
    path("tag-writes/<int:write_id>", TagWriteViewSet.as_view({"get": "retrieve"})),
]
