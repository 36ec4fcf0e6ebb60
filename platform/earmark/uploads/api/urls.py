"""Addresses of uploads, below ``api/v1/``."""

from __future__ import annotations

from django.urls import path

from earmark.uploads.api.views import UploadViewSet, send_sound

urlpatterns = [
    path("uploads", send_sound, name="uploads"),
    path(
        "uploads/<str:upload_id>",
        UploadViewSet.as_view({"get": "retrieve", "delete": "destroy"}),
        name="upload",
    ),
]
