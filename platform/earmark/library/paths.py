"""Paths as the database keeps them: text form, fixed-length keys, absolute locations.

The text form itself (reversible for any file name) is `earmark_files.paths`.
"""

from __future__ import annotations

import os
from hashlib import blake2b
from pathlib import Path

from earmark_files.paths import path_to_text, text_to_path


def path_key(text: str) -> str:
    """Return a key of 32 hexadecimal digits for a path of any length, in text form.

    PostgreSQL cannot index texts of more than about 2,700 bytes; paths may have 4,096.
    """
    return blake2b(text.encode("utf-8"), digest_size=16).hexdigest()


def folder_key(text: str) -> int:
    """Return a number of 64 bits for the folder of a file, from the path of the file.

    Small, because there is one for each file. Two folders may share one, though hardly ever; who
    looks up by it compares the paths too.
    """
    return key_of_folder(text.rpartition("/")[0])


def key_of_folder(text: str) -> int:
    """Return the same number, from the path of the folder itself; "" is the library's root."""
    digest = blake2b(text.encode("utf-8"), digest_size=8).digest()
    return int.from_bytes(digest, "big", signed=True)


def to_location(root: str, path: str = "") -> Path:
    """Return where something is on disk, from the text forms of root and relative path."""
    top = Path(os.fsdecode(text_to_path(root)))
    return top / os.fsdecode(text_to_path(path)) if path else top


def to_relative(root: Path, path: Path) -> str:
    """Return the text form of `path` below `root`; "" for the root itself.

    Raises
    ------
    ValueError
        If `path` does not lie below `root`.
    """
    relative = path.relative_to(root)
    return "" if relative == Path() else path_to_text(relative)
