"""How an app learns of what has changed in tables that others write to.

An app declares a `ChangeLog`: which tables matter to it, and where it wants to be told. Whoever
changes a row there, by whatever way, leaves a note in the same transaction: nothing has to be
remembered by those who write, and no kill can lose it. The app takes notes away in the transaction
in which it heeds them.

SQLite drops triggers when a migration makes their table anew, so they are looked after at the end
of each ``migrate``; where one was missing, everything counts as changed. A migration that alters
the table of the notes, or takes a watched column away, begins with `ChangeLog.remove`.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import structlog
from django.db import connection, models, transaction

from earmark.core.change_triggers import (
    Notes,
    Source,
    Trigger,
    drop_trigger,
    make_triggers,
    note_everything,
)

log = structlog.get_logger(__name__)

_kept: list[ChangeLog] = []


@dataclass(frozen=True)
class ChangeLog:
    """What an app wants to be told of.

    Attributes
    ----------
    model : type of Model
        Its rows are the notes.
    column : str
        Where they have the key of what has changed: with an index, and not unique, or who writes
        would have to wait for others who do.
    sources : tuple of Source
    everything : tuple of (str, str)
        Tables and columns with all keys there are, also those that only the app still knows.
    """

    model: type[models.Model]
    column: str
    sources: tuple[Source, ...]
    everything: tuple[tuple[str, str], ...]

    def take(self, most: int) -> set[int]:
        """Take notes away, the oldest first, and return what has changed.

        Within the transaction that heeds them, before what they are about is read: what changes
        after that has a note of its own. Those who take notes at the same time get different
        ones.

        Parameters
        ----------
        most : int
            So many notes at most.
        """
        notes = self.model._default_manager
        waiting = notes.select_for_update(skip_locked=True).order_by("pk")
        taken = dict(waiting.values_list("pk", self.column)[:most])
        notes.filter(pk__in=list(taken)).delete()
        return set(taken.values())

    def mark_everything(self) -> None:
        """Let everything count as changed."""
        _execute([note_everything(self._notes, self.everything)])

    def is_kept(self) -> bool:
        """Say whether all triggers are there, and no others."""
        return {one.name for one in self._triggers()} == self._standing()

    def install(self) -> None:
        """Make triggers that are missing, and take away those by other declarations.

        Where tables are missing, some apps were not migrated yet or are not any more: then no
        trigger stays, as it would fail whoever writes.
        """
        if not self._tables() <= set(connection.introspection.table_names()):
            self.remove()
            return
        wanted, standing = self._triggers(), self._standing()
        missing = [one for one in wanted if one.name not in standing]
        with transaction.atomic():
            self._drop(standing - {one.name for one in wanted})
            if not missing:
                return
            _execute(statement for one in missing for statement in one.statements)
            self.mark_everything()
        log.info("change_log_installed", notes=self._notes.table, triggers=len(missing))

    def remove(self) -> None:
        """Take all triggers away: what they write to or read from is about to go."""
        self._drop(self._standing())

    @property
    def _notes(self) -> Notes:
        return Notes(self.model._meta.db_table, self.column)

    def _triggers(self) -> list[Trigger]:
        return make_triggers(connection.vendor, self._notes, self.sources)

    def _tables(self) -> set[str]:
        read = {source.table for source in self.sources} | {table for table, _ in self.everything}
        return {self._notes.table, *read}

    def _standing(self) -> set[str]:
        sql = (
            "SELECT name FROM sqlite_master WHERE type = 'trigger'"
            if connection.vendor == "sqlite"
            else "SELECT tgname FROM pg_trigger WHERE NOT tgisinternal AND "
            "EXISTS (SELECT 1 FROM pg_class WHERE oid = tgrelid AND pg_table_is_visible(oid))"
        )
        with connection.cursor() as cursor:
            cursor.execute(sql)
            return {name for (name,) in cursor.fetchall() if name.startswith(self._notes.prefix)}

    def _drop(self, names: Iterable[str]) -> None:
        _execute(drop_trigger(connection.vendor, name) for name in sorted(names))


def keep_change_logs(*logs: ChangeLog) -> None:
    """Have the triggers of logs looked after; for `AppConfig.ready`."""
    _kept.extend(logs)


def install_change_logs(**_: Any) -> None:
    """Make the triggers of all apps that are missing."""
    for one in _kept:
        one.install()


def are_change_logs_kept() -> bool:
    """Say whether changes are noted for all apps; not so after a kill at the end of ``migrate``."""
    return all(one.is_kept() for one in _kept)


def _execute(statements: Iterable[str]) -> None:
    with connection.cursor() as cursor:
        for statement in statements:
            cursor.execute(statement)
