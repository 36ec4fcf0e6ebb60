"""The `earmark` command: Django's management commands, set up for one machine."""

from __future__ import annotations

import os
import sys

from django.core.management import BaseCommand, ManagementUtility

from earmark.core.overview import is_asked, overview


class Commands(ManagementUtility):
    """Django's commands, with the exit status of a wrong command line for one there is not."""

    def fetch_command(self, subcommand: str) -> BaseCommand:
        """Return the command of a name; Django has said what is wrong if there is none."""
        try:
            return super().fetch_command(subcommand)
        except SystemExit as unknown:
            raise SystemExit(2) from unknown


def main() -> None:
    """Run a management command; the settings of one machine are the default."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "earmark.settings.single")
    if is_asked(sys.argv[1:]):
        sys.stdout.write(overview())
        return
    Commands(sys.argv).execute()


if __name__ == "__main__":
    main()
