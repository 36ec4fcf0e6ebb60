"""Tells Django about this app."""

from __future__ import annotations

from django.apps import AppConfig


class ReviewConfig(AppConfig):
    """Django's description of the app."""

    name = "earmark.review"
    label = "review"
    verbose_name = "Review"

    def ready(self) -> None:
        """Have what items follow from watched."""
        from earmark.core.change_log import keep_change_logs
        from earmark.review.change_log import TAGS

        keep_change_logs(TAGS)
