"""The secret key of an installation on one machine: made once, kept in its data folder."""

from __future__ import annotations

import os
import secrets
from pathlib import Path

from django.core.exceptions import ImproperlyConfigured


def read_or_make_key(path: Path) -> str:
    """Return the key kept in `path`, made on first use and readable by its owner only.

    Two processes that start at once agree on one key: the file appears complete or not at all.

    Raises
    ------
    ImproperlyConfigured
        If the folder cannot be written to or the file cannot be read.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        if not path.exists():
            _make(path)
        return path.read_text(encoding="ascii").strip()
    except OSError as error:
        raise ImproperlyConfigured(
            f"Earmark keeps its state in {path.parent}, which cannot be used: {error.strerror}. "
            "Set EARMARK_DATA_DIR to a folder you may write to."
        ) from error


def _make(path: Path) -> None:
    draft = path.with_name(f"{path.name}.{os.getpid()}.{secrets.token_hex(4)}")
    handle = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        os.write(handle, secrets.token_urlsafe(64).encode("ascii"))
        os.fsync(handle)
    finally:
        os.close(handle)
    try:
        os.link(draft, path)
    except FileExistsError:
        return  # another process was first; its key is the one
    finally:
        draft.unlink()
