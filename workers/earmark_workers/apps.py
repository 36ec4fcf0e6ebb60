"""Django's entry to the workers: the commands that classify live here."""

from __future__ import annotations

from django.apps import AppConfig


class WorkersConfig(AppConfig):
    """No models: what the workers know is kept by the apps of `earmark`."""

    name = "earmark_workers"
    verbose_name = "Workers"
