"""Cells of tables that no spreadsheet takes for a formula. Pure functions.

A spreadsheet that opens a table calculates what begins with one of a few characters, and a tag or
a file name such as ``=HYPERLINK(...)`` could send the table's content away. Such a cell gets an
apostrophe in front, and so does one that begins with an apostrophe already: taking one apostrophe
away from every cell that begins with one therefore gives back exactly what was there.

A quotation mark counts too: where it stands first in a table parted by tabs, spreadsheets take it
away and look at what is behind it.

Source: OWASP, "CSV Injection"; full-width forms are those that spreadsheets treat alike.
"""

from __future__ import annotations

import re

MARK = "'"
_RISKY = re.compile(r"\s*[=+\-@＝＋－＠\"]|[\t\r\n']")
_LINE_PARTS = re.compile(r"[\t\r\n\v\f\x1c-\x1e\x85\u2028\u2029]+")


def neutralise(text: str) -> str:
    """Return a cell that stands for a text, and for nothing but this text."""
    return MARK + text if _RISKY.match(text) else text


def restore(cell: str) -> str:
    """Return the text that a cell made by `neutralise` stands for."""
    return cell.removeprefix(MARK)


def one_line(text: str) -> str:
    """Replace line breaks and tabs by spaces, for tables whose readers know no quotation marks."""
    return _LINE_PARTS.sub(" ", text)
