"""What a person named on the command line, as a library and a part of it."""

from __future__ import annotations

import contextlib
import os
from pathlib import Path

from earmark.library.errors import LibraryExistsError, RootNotFoundError
from earmark.library.selectors import Place, find_library
from earmark.library.services import register_library
from earmark_files.paths import display


def find_or_register(path: Path) -> Place:
    """Return the library that holds `path`; a folder nobody knows yet becomes one.

    For a single file that is its folder; only the file itself is looked at all the same.

    Raises
    ------
    RootNotFoundError
        If there is nothing of that name, or it is neither folder nor file.
    """
    location = Path(os.path.realpath(path))
    if not location.exists():
        raise RootNotFoundError(f"{display(path)} does not exist.")
    known = find_library(location)
    if known is not None:
        return known
    root = location if location.is_dir() else location.parent
    with contextlib.suppress(LibraryExistsError):  # another process was faster; found below
        register_library(root=root, trusted=True)
    place = find_library(location)
    assert place is not None
    return place
