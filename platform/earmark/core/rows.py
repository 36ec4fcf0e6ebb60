"""Rows changed in bulk, each in its own way, without a model instance for each.

Only for what workers store for every file: Django writes such an update as one CASE for each
column, and making that statement takes longer than all the rest.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from django.db import connection, models


def update_rows(
    model: type[models.Model],
    columns: Sequence[str],
    rows: Sequence[tuple[Any, ...]],
    *,
    same: Mapping[str, object] | None = None,
) -> None:
    """Change rows that are known by their primary keys; to be called within a transaction.

    Parameters
    ----------
    model : Model
    columns : sequence of str
        Fields of numbers and texts.
    rows : sequence of tuple
        Primary key, then the values of `columns`.
    same : mapping, optional
        Values that all of the rows get, by field.
    """
    if not rows:
        return
    # Names of the model only, nothing from outside.
    table, fields = model._meta.db_table, [_field(model, name) for name in ("pk", *columns)]
    fixed = {_field(model, name): value for name, value in (same or {}).items()}
    values = [field.get_db_prep_save(value, connection) for field, value in fixed.items()]
    marks = [f"{field.column} = %s" for field in fixed]
    key, *others = [str(field.column) for field in fields]
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            marks += [f"{column} = new.{column}" for column in others]
            arrays = ", ".join(f"%s::{_type(field)}[]" for field in fields)
            source = f"unnest({arrays}) AS new ({', '.join([key, *others])})"
            statement = f"UPDATE {table} SET {', '.join(marks)} FROM {source}"  # noqa: S608
            news = [list(column) for column in zip(*rows, strict=True)]
            cursor.execute(f"{statement} WHERE {table}.{key} = new.{key}", [*values, *news])
        else:
            marks += [f"{column} = %s" for column in others]
            statement = f"UPDATE {table} SET {', '.join(marks)} WHERE {key} = %s"  # noqa: S608
            cursor.executemany(statement, [(*values, *own, pk) for pk, *own in rows])


def _field(model: type[models.Model], name: str) -> models.Field[Any, Any]:
    if name == "pk":
        return model._meta.pk
    field = model._meta.get_field(name)
    assert isinstance(field, models.Field)
    return field


def _type(field: models.Field[Any, Any]) -> str:
    """Return the type of a column without its length: what is too long is refused, not cut."""
    kind = field.rel_db_type(connection) if field.primary_key else field.db_type(connection)
    return str(kind).partition("(")[0]
