"""Addresses of this app, below ``api/v1/``."""

from __future__ import annotations

from django.urls import path

from earmark.exchange.api import bulk_urls
from earmark.exchange.api.views import ExportView

urlpatterns = [
    path("exports", ExportView.as_view(), name="exports"),
    *bulk_urls.urlpatterns,
]
