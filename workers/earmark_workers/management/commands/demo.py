"""``earmark demo``: make a small library of synthesised sounds to try Earmark on."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandParser

from earmark_files.paths import display


class Command(BaseCommand):
    """Writes the demo library; files that exist are left alone."""

    help = "Synthesise about 20 sounds in several formats, under bad names, to try `tag` on."
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: CommandParser) -> None:
        """Declare the options."""
        parser.add_argument(
            "folder", nargs="?", type=Path, metavar="DIR", help="default: `demo` in the data folder"
        )
        parser.add_argument(
            "--broken", action="store_true", help="add two files that cannot be tagged"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        """Write the files and say where they are."""
        # Not at the top: the libraries for synthesis would slow down `earmark help`.
        from earmark_workers.demo.library import write_broken_files, write_demo_library

        folder = options["folder"] or Path(settings.DATA_DIR) / "demo"
        paths = write_demo_library(folder)
        if options["broken"]:
            paths += write_broken_files(folder)
        self.stdout.write(f"{len(paths)} sounds in {display(folder)}")
