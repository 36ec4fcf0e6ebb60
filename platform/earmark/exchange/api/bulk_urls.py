"""Addresses of operations on many files, below ``api/v1/``."""

from __future__ import annotations

from django.urls import path

from earmark.exchange.api.bulk import (
    BulkViewSet,
    FileWritesView,
    LibraryOperationView,
    PolicyApplicationView,
    RunWritesView,
)
from earmark.exchange.api.bulk_events import BulkEventsView
from earmark.exchange.api.removal import RemovalView
from earmark.exchange.bulk.models import BulkOperation

_WRITE, _UNDO = BulkOperation.Kind.WRITE, BulkOperation.Kind.UNDO_WRITES
_DERIVE = BulkOperation.Kind.DERIVE
_FILE, _RUN = "files/<int:file_id>", "runs/<int:run_id>"
_LIBRARY = "libraries/<int:library_id>"

urlpatterns = [
    path("bulk", BulkViewSet.as_view({"get": "list", "post": "create"})),
    path("bulk/preview", BulkViewSet.as_view({"post": "preview"})),
    path("bulk/<int:operation_id>", BulkViewSet.as_view({"get": "retrieve"})),
    path("bulk/<int:operation_id>/events", BulkEventsView.as_view()),
    path("bulk/<int:operation_id>/cancel", BulkViewSet.as_view({"post": "cancel"})),
    path("bulk/<int:operation_id>/undo", BulkViewSet.as_view({"post": "undo"})),
    path(f"{_FILE}/tag-writes/write", FileWritesView.as_view(kind=_WRITE)),
    path(f"{_FILE}/tag-writes/undo", FileWritesView.as_view(kind=_UNDO)),
    path(f"{_RUN}/tag-writes/undo", RunWritesView.as_view(kind=_UNDO)),
    path(f"{_LIBRARY}/tag-writes/write", LibraryOperationView.as_view(kind=_WRITE)),
    path(f"{_LIBRARY}/tag-writes/undo", LibraryOperationView.as_view(kind=_UNDO)),
    path(f"{_LIBRARY}/removal", RemovalView.as_view()),
    path(f"{_LIBRARY}/policy/apply", PolicyApplicationView.as_view(kind=_DERIVE)),
]
