"""Reports and pictures as files: rendered, checked and put in their place whole."""

from __future__ import annotations

import base64
import math
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

from django.template.loader import render_to_string

from earmark_classifiers.evaluation.resampling import Interval
from earmark_files.paths import display, text_to_path

HTML = (".html", ".htm")
PNG = (".png",)


class DocumentError(Exception):
    """A report cannot be written where it was asked for.

    Attributes
    ----------
    code : str
        ``bad_output_file``.
    """

    code = "bad_output_file"


def require_place(path: Path | None, endings: tuple[str, ...]) -> None:
    """Refuse a place for a document before work is done for it.

    The ending is asked for so that a slip of the hand never overwrites a sound.

    Raises
    ------
    DocumentError
    """
    if path is None:
        return
    if path.suffix.lower() not in endings:
        raise DocumentError(f"{display(path)} does not end in {' or '.join(endings)}.")
    if path.is_dir() or not path.parent.is_dir():
        raise DocumentError(f"{display(path)} is no place for a file; make its folder first.")


def write_document(path: Path, content: bytes) -> None:
    """Write a file so that it is there whole or not at all.

    Raises
    ------
    DocumentError
        If it cannot be written.
    """
    unfinished = path.with_name(f".{path.name}.earmark-part")
    try:
        unfinished.write_bytes(content)
        unfinished.replace(path)
    except OSError as error:
        unfinished.unlink(missing_ok=True)
        raise DocumentError(f"{display(path)} cannot be written: {error.strerror}.") from error


def render(template: str, context: Mapping[str, Any]) -> bytes:
    """Render one of the report templates to a self-contained page."""
    made = datetime.now().astimezone().strftime("%Y-%m-%d %H:%M")
    values = {**context, "made": made}
    return render_to_string(f"earmark_workers/{template}.html", values).encode("utf-8")


def inline(png: bytes) -> str:
    """Return a picture as text for a ``data:`` address."""
    return base64.b64encode(png).decode("ascii")


def shown(name: str) -> str:
    """Return a path text as it may be shown to people."""
    return display(text_to_path(name))


def as_range(value: Interval) -> str:
    """Return the ends of an interval for people."""
    if math.isnan(value.low):  # too few recordings to say
        return "–"
    return f"{value.low:.3f} to {value.high:.3f}"
