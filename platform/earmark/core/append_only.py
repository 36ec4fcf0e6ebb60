"""Tables whose rows the database itself refuses to change or remove, for logs.

For migrations. SQLite forgets triggers when a table is made anew: a later migration that alters
such a table has to run `refuse_changes` again as its last step.
"""

from __future__ import annotations

from django.apps.registry import Apps
from django.db.backends.base.schema import BaseDatabaseSchemaEditor
from django.db.migrations import RunPython


def refuse_changes(table: str, why: str) -> RunPython:
    """Return the operation after which no row of a table is changed or removed.

    Parameters
    ----------
    table : str
    why : str
        What is told to who tries.
    """

    def install(apps: Apps, schema_editor: BaseDatabaseSchemaEditor) -> None:
        for statement in triggers(schema_editor.connection.vendor, table, why):
            schema_editor.execute(statement)

    def remove(apps: Apps, schema_editor: BaseDatabaseSchemaEditor) -> None:
        for statement in _removal(schema_editor.connection.vendor, table):
            schema_editor.execute(statement)

    return RunPython(install, remove)


def triggers(vendor: str, table: str, why: str) -> list[str]:
    """Return the statements that make the triggers of a table."""
    if vendor == "sqlite":
        return [
            f"CREATE TRIGGER {table}_no_{verb} BEFORE {verb} ON {table} "
            f"BEGIN SELECT RAISE(ABORT, '{why}'); END"
            for verb in ("UPDATE", "DELETE")
        ]
    return [
        f"CREATE FUNCTION {table}_refuse() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN "
        f"RAISE EXCEPTION '{why}' USING ERRCODE = 'integrity_constraint_violation'; END $$",
        f"CREATE TRIGGER {table}_append_only BEFORE UPDATE OR DELETE ON {table} "
        f"FOR EACH ROW EXECUTE FUNCTION {table}_refuse()",
    ]


def _removal(vendor: str, table: str) -> list[str]:
    if vendor == "sqlite":
        return [f"DROP TRIGGER {table}_no_{verb}" for verb in ("UPDATE", "DELETE")]
    return [f"DROP TRIGGER {table}_append_only ON {table}", f"DROP FUNCTION {table}_refuse()"]
