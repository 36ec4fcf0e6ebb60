"""Tells Django about this app."""

from __future__ import annotations

from django.apps import AppConfig


class JobsConfig(AppConfig):
    """Django's description of the app."""

    name = "earmark.jobs"
    label = "jobs"
    verbose_name = "Jobs"
