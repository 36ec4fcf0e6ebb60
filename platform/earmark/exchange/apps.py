"""Tells Django about this app."""

from __future__ import annotations

from django.apps import AppConfig


class ExchangeConfig(AppConfig):
    """Django's description of the app."""

    name = "earmark.exchange"
    label = "exchange"
    verbose_name = "Exchange"
