"""Tells Django about this app."""

from __future__ import annotations

from django.apps import AppConfig


class CoreConfig(AppConfig):
    """Django's description of the app."""

    name = "earmark.core"
    label = "core"
    verbose_name = "Core"
