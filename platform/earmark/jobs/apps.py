"""Tells Django about this app."""

from __future__ import annotations

from django.apps import AppConfig


class JobsConfig(AppConfig):
    """Django's description of the app."""

    name = "earmark.jobs"
    label = "jobs"
    verbose_name = "Jobs"

    def ready(self) -> None:
        """Add what this app knows to the page for Prometheus."""
        from earmark.core.metrics import REGISTRY
        from earmark.jobs.metrics import JobCollector

        REGISTRY.register(JobCollector())
