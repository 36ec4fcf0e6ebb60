"""Get WordNet, which synonyms come from, onto this machine."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from earmark.tagging.knowledge.lexicon import WordNetMissingError
from earmark.tagging.knowledge.synonyms import open_table_lexicon
from earmark.tagging.knowledge.wordnet_setup import WordNetSetupError, set_up_wordnet


class Command(BaseCommand):
    """`earmark setup_wordnet`."""

    help = "Get WordNet, which synonyms come from, into the data folder, unless it is there."
    requires_system_checks: list[str] = []

    def handle(self, *args: Any, **options: Any) -> None:
        """Say where WordNet is, or why there is none."""
        try:
            folder = set_up_wordnet(settings.DATA_DIR)
            # Now, so that no run of `tag` has to wait for it.
            open_table_lexicon(settings.DATA_DIR).fill()
        except (WordNetSetupError, WordNetMissingError) as error:
            raise CommandError(str(error)) from error
        self.stdout.write(f"WordNet is in {folder}.")
