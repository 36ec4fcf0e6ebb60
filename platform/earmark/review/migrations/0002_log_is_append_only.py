"""The databases themselves refuse to change or remove what reviewers said.

SQLite forgets triggers when a table is made anew: a later migration that alters `Decision` has to
run `install` again as its last step.
"""

from __future__ import annotations

from django.apps.registry import Apps
from django.db import migrations
from django.db.backends.base.schema import BaseDatabaseSchemaEditor

_INSTALL = {
    "postgresql": [
        """
        CREATE FUNCTION review_decision_refuse() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN
            RAISE EXCEPTION 'decisions are never changed or removed'
                USING ERRCODE = 'integrity_constraint_violation';
        END $$
        """,
        """
        CREATE TRIGGER review_decision_append_only BEFORE UPDATE OR DELETE ON review_decision
        FOR EACH ROW EXECUTE FUNCTION review_decision_refuse()
        """,
    ],
    "sqlite": [
        f"""
        CREATE TRIGGER review_decision_no_{verb} BEFORE {verb} ON review_decision
        BEGIN SELECT RAISE(ABORT, 'decisions are never changed or removed'); END
        """
        for verb in ("UPDATE", "DELETE")
    ],
}
_REMOVE = {
    "postgresql": [
        "DROP TRIGGER review_decision_append_only ON review_decision",
        "DROP FUNCTION review_decision_refuse()",
    ],
    "sqlite": [f"DROP TRIGGER review_decision_no_{verb}" for verb in ("UPDATE", "DELETE")],
}


def install(apps: Apps, schema_editor: BaseDatabaseSchemaEditor) -> None:
    """Make the triggers."""
    for statement in _INSTALL[schema_editor.connection.vendor]:
        schema_editor.execute(statement)


def remove(apps: Apps, schema_editor: BaseDatabaseSchemaEditor) -> None:
    """Remove the triggers."""
    for statement in _REMOVE[schema_editor.connection.vendor]:
        schema_editor.execute(statement)


class Migration(migrations.Migration):
    dependencies = [("review", "0001_queue_and_log")]

    operations = [migrations.RunPython(install, remove)]
