"""The `earmark` command: Django's management commands, set up for one machine."""

from __future__ import annotations

import os
import sys

from django.core.management import execute_from_command_line


def main() -> None:
    """Run a management command; the settings of one machine are the default."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "earmark.settings.single")
    execute_from_command_line(sys.argv)


if __name__ == "__main__":
    main()
