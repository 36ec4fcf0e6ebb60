"""What `earmark` alone says: its commands, each with a sentence; Django's own are left out."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

import django
from django.core.management import get_commands, load_command_class

ASKED: tuple[list[str], ...] = ([], ["help"], ["-h"], ["--help"])
"""Command lines that ask for the overview."""

_END_OF_SENTENCE = re.compile(r"(?<=\.)\s")


def overview() -> str:
    """Return the text."""
    commands = list(_own_commands())
    width = max(len(name) for name, _ in commands)
    return "\n".join(
        (
            "usage: earmark COMMAND [OPTIONS]",
            "",
            "Listens to sounds and writes what it hears into the files.",
            "",
            *(f"  {name:<{width}}  {purpose}" for name, purpose in commands),
            "",
            "`earmark COMMAND --help` tells more, with examples; try `earmark demo` first.",
            "`earmark help --commands` lists the commands of Django too.",
            "",
        )
    )


def is_asked(arguments: Sequence[str]) -> bool:
    """Whether these arguments of `earmark` ask for the overview."""
    return list(arguments) in ASKED


def _own_commands() -> Iterator[tuple[str, str]]:
    django.setup()
    for name, app in sorted(get_commands().items()):
        if app.partition(".")[0].startswith("earmark"):
            purpose = str(load_command_class(app, name).help)
            yield name, _END_OF_SENTENCE.split(purpose, maxsplit=1)[0]
