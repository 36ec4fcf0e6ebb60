"""Rows in bulk without a model instance for each: that alone would take longer than all the rest.

Only for rows that Earmark derives by the million. Values are in the form of the columns: JSON as
text, times as the database takes them.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import islice
from typing import Any

from django.db import connection, models

_ROWS = 500
"""So many rows a statement: 5,000 values and more are still far from any limit."""


def insert_rows(
    model: type[models.Model],
    columns: Sequence[str],
    rows: Iterable[Sequence[Any]],
    *,
    replacing: str = "",
) -> None:
    """Insert rows, a few hundred a statement.

    Parameters
    ----------
    model : Model
        Whose table it is.
    columns : sequence of str
    rows : iterable of sequence
        Values in the order of `columns`.
    replacing : str
        A unique column: a row that has the same value there takes the other values over.
    """
    quote = connection.ops.quote_name
    names = ", ".join(map(quote, columns))
    head = f"INSERT INTO {quote(model._meta.db_table)} ({names}) VALUES "  # noqa: S608 - no words from outside
    one = f"({', '.join(['%s'] * len(columns))})"
    tail = ""
    if replacing:
        news = ", ".join(
            f"{quote(name)} = excluded.{quote(name)}" for name in columns if name != replacing
        )
        tail = f" ON CONFLICT ({quote(replacing)}) DO UPDATE SET {news}"
    remaining = iter(rows)
    with connection.cursor() as cursor:
        while batch := list(islice(remaining, _ROWS)):
            values = [value for row in batch for value in row]
            cursor.execute(f"{head}{', '.join([one] * len(batch))}{tail}", values)
