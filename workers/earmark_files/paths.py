r"""File names as text: reversible for databases and JSON, harmless for terminals.

A file name is bytes; on Linux any byte but ``/`` and NUL. PostgreSQL text holds neither NUL nor
the lone surrogates Python uses for undecodable bytes, and JSON written by others loses them. So a
name is stored as *path text*:

- what is valid UTF-8 stands for itself, unchanged and not normalised;
- a backslash is doubled;
- NUL, and every byte that is not part of valid UTF-8, is written ``\xhh`` with lowercase digits.

Every name has exactly one path text and every path text exactly one name, and joining with ``/``
commutes with the translation, so the text of a folder is a prefix of the text of its files.
"""

from __future__ import annotations

import os
import re
import unicodedata

from earmark_files.errors import AnyPath

_ESCAPE = re.compile(r"\\(?:(\\)|x([0-9a-f]{2})|)")
_HARMLESS_FORMATTERS = frozenset("\u200c\u200d")  # (non-)joiners: emoji and Persian need them
_UNPRINTABLE = frozenset({"Cc", "Cf", "Cs", "Zl", "Zp"})


def path_to_text(path: AnyPath) -> str:
    """Translate a file name or path into path text.

    Parameters
    ----------
    path : bytes, str or path-like
        A name as the file system has it. `str` is taken as Python's own view of it, that is
        with undecodable bytes as lone surrogates (`os.fsencode`).

    Returns
    -------
    str
        Text without surrogates and NUL, from which `text_to_path` restores the bytes.
    """
    raw = os.fsencode(path).replace(b"\\", b"\\\\").replace(b"\0", b"\\x00")
    # "backslashreplace" writes each undecodable byte as \xhh, which is the notation above.
    return raw.decode("utf-8", "backslashreplace")


def text_to_path(text: str) -> bytes:
    r"""Restore the bytes of a file name from its path text.

    Raises
    ------
    ValueError
        `text` is not the path text of any name: a backslash that starts neither ``\\`` nor
        ``\xhh``, an escape for something that needs none, or a lone surrogate.
    """
    try:
        raw = b"".join(_restored_pieces(text))
    except UnicodeEncodeError as error:
        raise ValueError(f"Not a path text: {text!r} holds a lone surrogate.") from error
    if path_to_text(raw) != text:
        raise ValueError(f"Not a path text: {text!r} is not how Earmark writes {raw!r}.")
    return raw


def _restored_pieces(text: str) -> list[bytes]:
    pieces: list[bytes] = []
    end = 0
    for match in _ESCAPE.finditer(text):
        pieces.append(text[end : match.start()].encode("utf-8"))
        backslash, digits = match.groups()
        if digits is None and backslash is None:
            raise ValueError(f"Not a path text: {text!r} has a backslash that escapes nothing.")
        pieces.append(bytes.fromhex(digits) if digits else b"\\")
        end = match.end()
    pieces.append(text[end:].encode("utf-8"))
    return pieces


def display(path: AnyPath) -> str:
    r"""Return a path as it may be shown to people, on a terminal or in a log.

    Undecodable bytes are shown as ``\xhh``; control characters, line separators and characters
    that reorder or hide text (which can make one name look like another, or send commands to a
    terminal) as ``\xhh`` or ``\uhhhh``. Not reversible: store `path_to_text`, show this.
    """
    text = os.fsencode(path).decode("utf-8", "backslashreplace")
    return "".join(_shown(character) for character in text)


def _shown(character: str) -> str:
    if character in _HARMLESS_FORMATTERS or unicodedata.category(character) not in _UNPRINTABLE:
        return character
    code = ord(character)
    if code < 0x100:
        return f"\\x{code:02x}"
    return f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"
