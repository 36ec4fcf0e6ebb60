"""Tells Django about this app."""

from __future__ import annotations

from django.apps import AppConfig


class WritebackConfig(AppConfig):
    """Django's description of the app."""

    name = "earmark.writeback"
    label = "writeback"
    verbose_name = "Write-back"
