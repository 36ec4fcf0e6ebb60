"""Addresses of events, below ``api/v1/``."""

from __future__ import annotations

from django.urls import path

from earmark.jobs.api.events import LibraryEventsView, RunEventsView

urlpatterns = [
    path("runs/<int:run_id>/events", RunEventsView.as_view(), name="run-events"),
    path("libraries/<int:library_id>/events", LibraryEventsView.as_view(), name="library-events"),
]
