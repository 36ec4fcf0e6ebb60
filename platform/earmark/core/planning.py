"""What the database knows of its tables when it plans how to answer."""

from __future__ import annotations

from django.db import connection, models


def refresh_statistics(*tables: type[models.Model]) -> None:
    """Have PostgreSQL look at tables into which very much was put at once.

    It does so by itself within a minute or two, from samples; until then it takes them for as good
    as empty and reads them whole again and again. SQLite plans by its indexes alone.

    Parameters
    ----------
    tables : type of Model
    """
    if connection.vendor != "postgresql":
        return
    names = ", ".join(connection.ops.quote_name(table._meta.db_table) for table in tables)
    with connection.cursor() as cursor:
        cursor.execute(f"ANALYZE {names}")
