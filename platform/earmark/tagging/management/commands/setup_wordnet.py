"""Get WordNet, which synonyms come from, onto this machine."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from earmark.tagging.knowledge.wordnet_setup import WordNetSetupError, set_up_wordnet


class Command(BaseCommand):
    """`manage.py setup_wordnet`."""

    help = "Get WordNet, which synonyms come from, into the data folder, unless it is there."
    requires_system_checks: list[str] = []

    def handle(self, *args: Any, **options: Any) -> None:
        """Say where WordNet is, or why there is none."""
        try:
            folder = set_up_wordnet(settings.DATA_DIR)
        except WordNetSetupError as error:
            raise CommandError(str(error)) from error
        self.stdout.write(f"WordNet is in {folder}.")
