"""Cells of exported tables."""

from __future__ import annotations

_MARK = "'"


def restore_cell(cell: str) -> str:
    """Return the text that a cell of an exported table stands for.

    A cell that a spreadsheet would take for a formula has an apostrophe in front, and so has one
    that begins with an apostrophe itself.
    """
    return cell.removeprefix(_MARK)
