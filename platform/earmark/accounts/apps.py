"""Tells Django about this app."""

from __future__ import annotations

from django.apps import AppConfig


class AccountsConfig(AppConfig):
    """Django's description of the app."""

    name = "earmark.accounts"
    label = "accounts"
    verbose_name = "Accounts"

    def ready(self) -> None:
        """Listen for sign-ins."""
        from earmark.accounts import signals  # noqa: F401
