"""The database: what it can hold; on one machine, made and brought up to date when needed."""

from __future__ import annotations

import fcntl
from pathlib import Path

from django.conf import settings
from django.core.management import call_command
from django.db import DEFAULT_DB_ALIAS, connections
from django.db.migrations.executor import MigrationExecutor

from earmark.core.change_log import are_change_logs_kept

LARGEST_INTEGER = 2**63 - 1
"""No column holds a larger one; requests that name one are refused before they get there."""


def ensure_migrated() -> None:
    """Create the database or bring it up to date, if anything is missing.

    For commands that must work in a data folder nobody has set up. Processes that start at the
    same time wait for each other.
    """
    if not _is_behind():
        return
    folder = Path(settings.DATA_DIR)
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "migrate.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if _is_behind():
            call_command("migrate", interactive=False, verbosity=0)


def list_missing_migrations() -> list[str]:
    """Return the migrations that are still to be applied, such as ``jobs.0004_workers``.

    Raises
    ------
    django.db.Error
        If the database cannot be asked.
    """
    executor = MigrationExecutor(connections[DEFAULT_DB_ALIAS])
    plan = executor.migration_plan(executor.loader.graph.leaf_nodes())
    return [f"{migration.app_label}.{migration.name}" for migration, _ in plan]


def _is_behind() -> bool:
    connection = connections[DEFAULT_DB_ALIAS]
    if connection.vendor == "sqlite":
        name = Path(str(connection.settings_dict["NAME"]))
        name.parent.mkdir(parents=True, exist_ok=True)
    return bool(list_missing_migrations()) or not are_change_logs_kept()
