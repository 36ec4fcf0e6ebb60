"""Tells Django about this app."""

from __future__ import annotations

from django.apps import AppConfig


class LibraryConfig(AppConfig):
    """Django's description of the app."""

    name = "earmark.library"
    label = "library"
    verbose_name = "Libraries"
