"""Tells Django about this app."""

from __future__ import annotations

from django.apps import AppConfig


class WebhooksConfig(AppConfig):
    """Django's description of the app."""

    name = "earmark.webhooks"
    label = "webhooks"
    verbose_name = "Webhooks"

    def ready(self) -> None:
        """Refuse to start with a setting that would be wrong only when something is delivered."""
        from earmark.webhooks.addresses import allowed_networks

        allowed_networks()
