"""All addresses of the drop-in; Earmark's own pages are not among them."""

from __future__ import annotations

from django.urls import path
from django.views.generic import RedirectView

from earmark.core.api.docs import DocsView
from earmark.uploads.max import views

urlpatterns = [
    path("model/predict", views.predict),
    path("model/metadata", views.metadata),
    path("model/labels", views.labels),
    path("swagger.json", views.describe),
    path("docs", DocsView.as_view(url="/swagger.json", title="MAX Audio Classifier"), name="docs"),
    path("", RedirectView.as_view(pattern_name="docs")),
]
