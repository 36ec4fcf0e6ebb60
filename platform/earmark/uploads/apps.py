"""Tells Django about this app."""

from __future__ import annotations

from django.apps import AppConfig


class UploadsConfig(AppConfig):
    """Django's description of the app."""

    name = "earmark.uploads"
    label = "uploads"
    verbose_name = "Uploads"
