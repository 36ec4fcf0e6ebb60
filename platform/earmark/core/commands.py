"""What all commands of Earmark have in common on the command line."""

from __future__ import annotations

from argparse import RawDescriptionHelpFormatter
from typing import Any, ClassVar

from django.core.management.base import BaseCommand, CommandError, CommandParser

from earmark.core.broken_pipe import leave_broken_pipe
from earmark.core.errors import EarmarkError

USAGE = 2
"""The exit status of a wrong command line."""


class EarmarkCommand(BaseCommand):
    """A command whose ``--help`` ends with examples and exit statuses.

    What goes wrong on purpose becomes one line on standard error and an exit status; a reader of
    standard output that goes away ends the command without a word.

    Attributes
    ----------
    epilog : str
        Shown as it stands, with its line breaks.
    usage_errors : tuple of exception types
        Those that mean a wrong command line.
    """

    epilog: ClassVar[str]
    usage_errors: ClassVar[tuple[type[EarmarkError], ...]] = ()

    def create_parser(self, prog_name: str, subcommand: str, **kwargs: Any) -> CommandParser:
        """Add the examples to the help."""
        parser = super().create_parser(prog_name, subcommand, epilog=self.epilog, **kwargs)
        parser.formatter_class = RawDescriptionHelpFormatter
        return parser

    def execute(self, *args: Any, **options: Any) -> str | None:
        """Run the command to its last written byte, and say in a line what went wrong."""
        try:
            output = super().execute(*args, **options)
            self.stdout.flush()
        except BrokenPipeError:
            leave_broken_pipe()
        except EarmarkError as error:
            status = USAGE if isinstance(error, self.usage_errors) else 1
            raise CommandError(f"{error.code}: {error}", returncode=status) from error
        return output
