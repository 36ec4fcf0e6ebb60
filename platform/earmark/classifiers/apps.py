"""Tells Django about this app."""

from __future__ import annotations

from django.apps import AppConfig


class ClassifiersConfig(AppConfig):
    """Django's description of the app."""

    name = "earmark.classifiers"
    label = "classifiers"
    verbose_name = "Classifiers"
