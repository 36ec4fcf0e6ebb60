"""What all commands of Earmark have in common on the command line."""

from __future__ import annotations

from argparse import RawDescriptionHelpFormatter
from typing import Any, ClassVar

from django.core.management.base import BaseCommand, CommandParser


class EarmarkCommand(BaseCommand):
    """A command whose ``--help`` ends with examples and exit statuses.

    Attributes
    ----------
    epilog : str
        Shown as it stands, with its line breaks.
    """

    epilog: ClassVar[str]

    def create_parser(self, prog_name: str, subcommand: str, **kwargs: Any) -> CommandParser:
        """Add the examples to the help."""
        parser = super().create_parser(prog_name, subcommand, epilog=self.epilog, **kwargs)
        parser.formatter_class = RawDescriptionHelpFormatter
        return parser
