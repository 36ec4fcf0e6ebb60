"""Show what would be written beside a label, or beside a free word."""

from __future__ import annotations

import json
from argparse import ArgumentParser
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand

from earmark.tagging.knowledge.synonyms import load_synonyms


class Command(BaseCommand):
    """`earmark synonyms LABEL... [--json]`."""

    help = "Show the synonyms of labels and free words; none where the sense is unsure."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Declare the arguments."""
        parser.add_argument("labels", nargs="+", metavar="LABEL", help="a label or any word")
        parser.add_argument("--json", action="store_true", help="one JSON object of all answers")

    def handle(self, *args: Any, **options: Any) -> None:
        """Look every word up and print the answers."""
        book = load_synonyms(settings.DATA_DIR)
        answers = {
            label: [synonym.text for synonym in book.expand(label)] if book else []
            for label in options["labels"]
        }
        if options["json"]:
            self.stdout.write(json.dumps(answers, ensure_ascii=False, indent=2))
        else:
            for label, words in answers.items():
                self.stdout.write(f"{label}: {', '.join(words) or '(none)'}")
