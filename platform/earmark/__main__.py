"""The `earmark` command: Django's management commands, set up for one machine."""

from __future__ import annotations

import os
import sys

from django.core.management import execute_from_command_line

from earmark.core.overview import is_asked, overview


def main() -> None:
    """Run a management command; the settings of one machine are the default."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "earmark.settings.single")
    if is_asked(sys.argv[1:]):
        sys.stdout.write(overview())
        return
    execute_from_command_line(sys.argv)


if __name__ == "__main__":
    main()
