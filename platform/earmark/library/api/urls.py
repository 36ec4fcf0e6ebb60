"""Addresses of libraries and files, below ``api/v1/``."""

from __future__ import annotations

from django.urls import path

from earmark.library.api.files import FileViewSet, LibraryScanViewSet, ScanViewSet
from earmark.library.api.libraries import LibraryViewSet, RoleViewSet

urlpatterns = [
    path("libraries", LibraryViewSet.as_view({"get": "list", "post": "create"})),
    path(
        "libraries/<int:library_id>",
        LibraryViewSet.as_view({"get": "retrieve", "patch": "partial_update"}),
    ),
    path(
        "libraries/<int:library_id>/roles",
        RoleViewSet.as_view({"get": "list", "post": "create"}),
    ),
    path(
        "libraries/<int:library_id>/roles/<int:role_id>",
        RoleViewSet.as_view({"delete": "destroy"}),
    ),
    path(
        "libraries/<int:library_id>/scans",
        LibraryScanViewSet.as_view({"get": "list", "post": "create"}),
    ),
    path("scans/<int:scan_id>", ScanViewSet.as_view({"get": "retrieve"})),
    path("files", FileViewSet.as_view({"get": "list"})),
    path("files/<int:file_id>", FileViewSet.as_view({"get": "retrieve"})),
]
