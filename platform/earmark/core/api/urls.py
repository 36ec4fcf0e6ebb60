"""Addresses of the document of the API, below ``api/v1/``."""

from __future__ import annotations

from django.urls import path

from earmark.core.api.docs import DocsView, SchemaView
from earmark.core.api.health import HealthView

urlpatterns = [
    path("health", HealthView.as_view(), name="health"),
    path("schema", SchemaView.as_view(), name="schema"),
    path("docs", DocsView.as_view(url_name="schema"), name="docs"),
]
