"""Tells Django about this app."""

from __future__ import annotations

from django.apps import AppConfig


class TaggingConfig(AppConfig):
    """Django's description of the app."""

    name = "earmark.tagging"
    label = "tagging"
    verbose_name = "Tagging"
