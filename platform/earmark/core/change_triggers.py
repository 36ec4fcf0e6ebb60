"""The triggers of a `ChangeLog` as SQL, for SQLite and PostgreSQL. Pure: no database is asked.

A trigger notes the key of each row whose watched columns are other than before, once however many
rows of the key there are, and not at all while an earlier note about the key still waits.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from hashlib import blake2b

_EVENTS = ("INSERT", "UPDATE", "DELETE")
_LONGEST_NAME = 63
"""So many characters of a name PostgreSQL heeds."""


@dataclass(frozen=True)
class Source:
    """A table whose changes are noted.

    Attributes
    ----------
    table : str
    key : str
        The column that says what a row is about; its value is noted, the old and the new one
        where it changes.
    columns : tuple of str
        Those that matter. A row that has nothing but NULL in them is as if it were not there.
    """

    table: str
    key: str
    columns: tuple[str, ...]


@dataclass(frozen=True)
class Notes:
    """The table that notes are written to, and its column for the key; it needs an index."""

    table: str
    column: str

    @property
    def prefix(self) -> str:
        """What the names of all triggers that write to it begin with."""
        return f"{self.table}__"


@dataclass(frozen=True)
class Trigger:
    """A trigger and what makes it.

    The name ends in a digest of `statements`: a trigger that was made by another declaration does
    not pass for this one.
    """

    name: str
    statements: tuple[str, ...]


def make_triggers(vendor: str, notes: Notes, sources: tuple[Source, ...]) -> list[Trigger]:
    """Return the triggers that write the notes: one for each table and kind of statement.

    Parameters
    ----------
    vendor : str
        ``sqlite`` or ``postgresql``.
    notes : Notes
    sources : tuple of Source
    """
    make = _sqlite_statements if vendor == "sqlite" else _postgres_statements
    return [
        _named(f"{notes.prefix}{event.lower()}_{source.table}", make(event, notes, source))
        for source in sources
        for event in _EVENTS
    ]


def drop_trigger(vendor: str, name: str) -> str:
    """Return what takes a trigger away."""
    # On PostgreSQL the function has the name of the trigger, which goes with it.
    return f"DROP TRIGGER {name}" if vendor == "sqlite" else f"DROP FUNCTION {name}() CASCADE"


def note_everything(notes: Notes, keys: tuple[tuple[str, str], ...]) -> str:
    """Return what notes all values of some columns, each a table and a column."""
    selects = " UNION ".join(f"SELECT {column} FROM {table}" for table, column in keys)  # noqa: S608 - declared names
    return f"INSERT INTO {notes.table} ({notes.column}) {selects}"


def _named(name: str, templates: Iterator[str]) -> Trigger:
    statements = tuple(templates)
    digest = blake2b("\n".join(statements).encode(), digest_size=5).hexdigest()
    full = f"{name[: _LONGEST_NAME - len(digest) - 1]}_{digest}"
    return Trigger(full, tuple(one.replace("{name}", full) for one in statements))


def _sqlite_statements(event: str, notes: Notes, source: Source) -> Iterator[str]:
    """Yield a trigger that runs for each row: SQLite has none for statements.

    There is one writer at a time, so a note that is seen stays until that writer has committed.
    """
    rows = {"INSERT": ("NEW",), "UPDATE": ("OLD", "NEW"), "DELETE": ("OLD",)}[event]
    if event == "UPDATE":
        watched = (source.key, *source.columns)
        when = " OR ".join(f"OLD.{column} IS NOT NEW.{column}" for column in watched)
    else:
        when = _says_something(source, f"{rows[0]}.")
    inserts = " ".join(
        f"INSERT INTO {notes.table} ({notes.column}) SELECT {row}.{source.key} WHERE NOT EXISTS "  # noqa: S608 - declared names
        f"(SELECT 1 FROM {notes.table} WHERE {notes.column} = {row}.{source.key});"
        for row in rows
    )
    yield (
        f"CREATE TRIGGER {{name}} AFTER {event} ON {source.table} WHEN {when} BEGIN {inserts} END"
    )


def _postgres_statements(event: str, notes: Notes, source: Source) -> Iterator[str]:
    """Yield a function, and the trigger that calls it once a statement.

    A note that waits is held until the writer has committed: who takes notes away passes it over
    till then. A note that is being taken away is passed over here, and another written. So nobody
    waits for anybody, and no change is without a note. The planner may take the notes for few,
    as they mostly are, and must not read a million of them for each key.

    Columns are named in the function only: those that are named in a trigger could not be altered
    by a migration any more.
    """
    tables = {
        "INSERT": "NEW TABLE AS news",
        "UPDATE": "OLD TABLE AS olds NEW TABLE AS news",
        "DELETE": "OLD TABLE AS olds",
    }[event]
    yield (
        "CREATE OR REPLACE FUNCTION {name}() RETURNS trigger LANGUAGE plpgsql "  # noqa: S608 - declared names
        "SET enable_seqscan = off AS $$ BEGIN "
        f"WITH changed AS MATERIALIZED ({_changed_keys(event, source)}) "
        f"INSERT INTO {notes.table} ({notes.column}) SELECT {source.key} FROM changed "
        f"WHERE NOT EXISTS (SELECT 1 FROM {notes.table} "
        f"WHERE {notes.column} = changed.{source.key} FOR KEY SHARE SKIP LOCKED); "
        "RETURN NULL; END $$"
    )
    yield (
        f"CREATE TRIGGER {{name}} AFTER {event} ON {source.table} REFERENCING {tables} "
        "FOR EACH STATEMENT EXECUTE FUNCTION {name}()"
    )


def _changed_keys(event: str, source: Source) -> str:
    if event != "UPDATE":
        rows = "news" if event == "INSERT" else "olds"
        return f"SELECT DISTINCT {source.key} FROM {rows} WHERE {_says_something(source)}"  # noqa: S608 - declared names
    watched = ", ".join((source.key, *source.columns))
    # What is in one of both more often than in the other has changed.
    return (
        f"SELECT DISTINCT {source.key} FROM (SELECT {watched}, 1 AS number FROM news "  # noqa: S608 - declared names
        f"UNION ALL SELECT {watched}, -1 FROM olds) AS both_of_them "
        f"GROUP BY {watched} HAVING sum(number) <> 0"
    )


def _says_something(source: Source, row: str = "") -> str:
    return " OR ".join(f"{row}{column} IS NOT NULL" for column in source.columns)
