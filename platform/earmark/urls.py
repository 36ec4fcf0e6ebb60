"""Addresses of the web process."""

from __future__ import annotations

from django.contrib import admin
from django.urls import include, path
from django.views.generic import RedirectView

from earmark.core.health import healthz, readyz
from earmark.core.metrics import metrics

admin.site.site_header = "Earmark"
admin.site.site_title = "Earmark"
admin.site.index_title = "Sound libraries and their tags"

handler400 = "earmark.core.api.fallbacks.bad_request"
handler404 = "earmark.core.api.fallbacks.not_found"
handler500 = "earmark.core.api.fallbacks.server_error"

urlpatterns = [
    path("admin/", admin.site.urls),
    path("", include("earmark.accounts.urls")),
    path("api/v1/", include("earmark.core.api.urls")),
    path("api/v1/", include("earmark.accounts.api.urls")),
    path("api/v1/", include("earmark.library.api.urls")),
    path("api/v1/", include("earmark.classifiers.api.urls")),
    path("api/v1/", include("earmark.jobs.api.urls")),
    path("api/v1/", include("earmark.tagging.api.urls")),
    path("api/v1/", include("earmark.writeback.api.urls")),
    path("api/v1/", include("earmark.exchange.api.urls")),
    path("api/v1/", include("earmark.jobs.api.events_urls")),
    path("api/v1/", include("earmark.library.api.sound_urls")),
    path("api/v1/", include("earmark.uploads.api.urls")),
    path("api/v1/", include("earmark.search.api.urls")),
    path("api/v1/", include("earmark.webhooks.api.urls")),
    path("api/v1/", include("earmark.review.api.urls")),
    path("healthz", healthz, name="healthz"),
    path("readyz", readyz, name="readyz"),
    path("metrics", metrics, name="metrics"),
    path("", RedirectView.as_view(pattern_name="admin:index"), name="home"),
]
