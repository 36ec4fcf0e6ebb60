"""Tells Django about this app."""

from __future__ import annotations

from django.apps import AppConfig
from django.db.models.signals import post_migrate


class SearchConfig(AppConfig):
    """Django's description of the app."""

    name = "earmark.search"
    label = "search"
    verbose_name = "Search"

    def ready(self) -> None:
        """Have the triggers looked after whenever migrations were applied."""
        from earmark.search.change_log import install_triggers

        post_migrate.connect(install_triggers, sender=self)
