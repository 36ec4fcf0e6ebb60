"""How commands find the library that somebody means."""

from __future__ import annotations

from pathlib import Path

from earmark.library.models import Library
from earmark.library.selectors import find_library
from earmark.tagging.errors import LibraryUnknownError


def find_named(text: str) -> Library:
    """Return the library of a name, or the one whose folder this is.

    Raises
    ------
    LibraryUnknownError
        If there is none, or several of that name.
    """
    named = list(Library.objects.filter(name=text)[:2])
    if len(named) == 1:
        return named[0]
    place = find_library(Path(text).resolve())
    if place is not None and not place.under:
        return place.library
    names = ", ".join(sorted(Library.objects.values_list("name", flat=True))) or "none yet"
    problem = f"There are several libraries called {text!r}." if named else f"No library {text!r}."
    raise LibraryUnknownError(problem, hint=f"Name its folder. Libraries: {names}.")
