"""Reading the committed tables of `earmark/tagging/data`; nothing here knows what they mean."""

from __future__ import annotations

import csv
from importlib.resources import files

DATA = files("earmark.tagging") / "data"
"""The folder of committed tables, wherever the package is installed."""


def read_table(name: str) -> list[dict[str, str]]:
    """Return the rows of ``data/<name>``, a UTF-8 CSV file with a heading row.

    Raises
    ------
    FileNotFoundError
        If the installed package lacks the table.
    """
    return list(csv.DictReader((DATA / name).read_text(encoding="utf-8").splitlines()))
