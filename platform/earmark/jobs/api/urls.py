"""Addresses of runs and jobs, below ``api/v1/``."""

from __future__ import annotations

from django.urls import path

from earmark.jobs.api.predictions import PredictionsView
from earmark.jobs.api.runs import JobViewSet, RunViewSet

urlpatterns = [
    path("runs", RunViewSet.as_view({"get": "list", "post": "create"})),
    path("runs/<int:run_id>", RunViewSet.as_view({"get": "retrieve"})),
    *(
        path(f"runs/<int:run_id>/{act}", RunViewSet.as_view({"post": act}))
        for act in ("pause", "resume", "cancel", "retry")
    ),
    path("jobs", JobViewSet.as_view({"get": "list"})),
    path("jobs/<int:job_id>", JobViewSet.as_view({"get": "retrieve"})),
    path("files/<int:file_id>/predictions", PredictionsView.as_view()),
]
