"""Tells Django about this app."""

from __future__ import annotations

from django.apps import AppConfig


class SearchConfig(AppConfig):
    """Django's description of the app."""

    name = "earmark.search"
    label = "search"
    verbose_name = "Search"

    def ready(self) -> None:
        """Have what the index follows from watched."""
        from earmark.core.change_log import keep_change_logs
        from earmark.search.change_log import EMBEDDINGS, FILES

        keep_change_logs(FILES, EMBEDDINGS)
