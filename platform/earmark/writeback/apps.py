"""Tells Django about this app."""

from __future__ import annotations

from django.apps import AppConfig


class WritebackConfig(AppConfig):
    """Django's description of the app."""

    name = "earmark.writeback"
    label = "writeback"
    verbose_name = "Write-back"

    def ready(self) -> None:
        """Add what this app knows to the page for Prometheus and to `jobs doctor`."""
        from earmark.core.metrics import REGISTRY
        from earmark.jobs.diagnosis import FURTHER
        from earmark.writeback.watching import WriteCollector, look_at_writes

        REGISTRY.register(WriteCollector())
        FURTHER.append(look_at_writes)
