"""Tells Django about this app."""

from __future__ import annotations

from django.apps import AppConfig
from django.db.models.signals import post_migrate


class CoreConfig(AppConfig):
    """Django's description of the app."""

    name = "earmark.core"
    label = "core"
    verbose_name = "Core"

    def ready(self) -> None:
        """Have the triggers of all apps looked after whenever migrations were applied."""
        from earmark.core.change_log import install_change_logs

        post_migrate.connect(install_change_logs, sender=self)
