"""Fields of requests that name places."""

from __future__ import annotations

from typing import Any

from rest_framework import serializers

from earmark_files.paths import text_to_path

LONGEST_PATH = 4096


class RelativePathField(serializers.CharField):
    r"""A folder or file of a library, relative to its root, in the text form of paths.

    Nothing outside the library can be named: no ``..``, no ``/`` at the beginning.
    """

    default_error_messages = {
        "not_a_path": r"Is not a path as Earmark writes paths; a backslash is written \\.",
        "outside": "Name a place in the library, without `.`, `..` or a slash at either end.",
    }

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(max_length=LONGEST_PATH, trim_whitespace=False, **kwargs)

    def to_internal_value(self, data: Any) -> str:
        """Return the text, if it is such a path."""
        text = super().to_internal_value(data)
        try:
            parts = text_to_path(text).split(b"/")
        except ValueError:
            self.fail("not_a_path")
        if text and not {b"", b".", b".."}.isdisjoint(parts):
            self.fail("outside")
        return text
