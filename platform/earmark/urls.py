"""Addresses of the web process."""

from __future__ import annotations

from django.contrib import admin
from django.urls import path
from django.views.generic import RedirectView

admin.site.site_header = "Earmark"
admin.site.site_title = "Earmark"
admin.site.index_title = "Sound libraries and their tags"

urlpatterns = [
    path("admin/", admin.site.urls),
    path("", RedirectView.as_view(pattern_name="admin:index"), name="home"),
]
