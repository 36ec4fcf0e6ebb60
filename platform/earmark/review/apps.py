"""Tells Django about this app."""

from __future__ import annotations

from django.apps import AppConfig


class ReviewConfig(AppConfig):
    """Django's description of the app."""

    name = "earmark.review"
    label = "review"
    verbose_name = "Review"
