"""Triggers that note which files have changed, so that the index can follow.

Whoever changes a row that the index rests on, by whatever way, writes a `SearchChange` in the same
transaction: nothing has to be remembered by those who write, and no kill can lose it. SQLite drops
triggers when a migration makes a table anew, so they are looked after at the end of each
``migrate``; where one was missing, every file counts as changed.
"""

from __future__ import annotations

from typing import Any

import structlog
from django.db import connection, transaction

log = structlog.get_logger(__name__)

_FILE_COLUMNS = (
    *("library_id", "path", "state", "container", "channels", "sample_rate", "duration"),
    "mtime_ns",
)
_SOURCES = {
    "tagging_tagset": ("basis_id", "search_words", "catid"),
    "tagging_fileevidence": ("said",),
    "tagging_tag": ("name", "confidence", "decision", "origin"),
}
"""Tables with a column ``file_id``, and those of their columns that the index shows."""


def install_triggers(**_: Any) -> None:
    """Make the triggers that are missing; if any was, have everything indexed."""
    tables = {"library_audiofile", "jobs_predictionset", "search_searchchange", *_SOURCES}
    if not tables <= set(connection.introspection.table_names()):
        return  # only some apps were migrated; the rest will come
    with transaction.atomic():
        known = _known_triggers()
        wanted = _sqlite_triggers() if connection.vendor == "sqlite" else _postgres_triggers()
        missing = [sql for name, sql in wanted.items() if name not in known]
        if not missing:
            return
        with connection.cursor() as cursor:
            if connection.vendor != "sqlite":
                cursor.execute(_postgres_functions())
            for sql in missing:
                cursor.execute(sql)
        mark_everything()
    log.info("search_triggers_made", number=len(missing))


def drop_triggers() -> None:
    """Take the triggers away: what they write to is about to go."""
    with connection.cursor() as cursor:
        if connection.vendor == "sqlite":
            for name in _known_triggers():
                cursor.execute(f"DROP TRIGGER {name}")
            return
        cursor.execute("SELECT proname FROM pg_proc WHERE proname LIKE 'search_note%'")
        for (name,) in cursor.fetchall():
            cursor.execute(f"DROP FUNCTION {name}() CASCADE")


def mark_everything() -> None:
    """Let every file and every embedding count as changed."""
    with connection.cursor() as cursor:
        cursor.execute("INSERT INTO search_searchchange (file_id) SELECT id FROM library_audiofile")
        cursor.execute(
            "INSERT INTO search_searchchange (file_id) SELECT file_id FROM search_searchdocument "
            "WHERE file_id NOT IN (SELECT id FROM library_audiofile)"
        )
        cursor.execute(
            "INSERT INTO search_embeddingchange (prediction_set_id) "
            "SELECT id FROM jobs_predictionset WHERE embedding IS NOT NULL"
        )


def _known_triggers() -> set[str]:
    sql = (
        "SELECT name FROM sqlite_master WHERE type = 'trigger' AND name LIKE 'search_note%'"
        if connection.vendor == "sqlite"
        else "SELECT tgname FROM pg_trigger WHERE tgname LIKE 'search_note%'"
    )
    with connection.cursor() as cursor:
        cursor.execute(sql)
        return {name for (name,) in cursor.fetchall()}


def _sqlite_triggers() -> dict[str, str]:
    """Return the triggers of SQLite: one call a row, and no second note about the same file."""
    made: dict[str, str] = {}

    def add(table: str, event: str, key: str, when: str = "") -> None:
        name = f"search_note_{table}_{event.lower()}"
        row = "OLD" if event == "DELETE" else "NEW"
        made[name] = (
            f"CREATE TRIGGER {name} AFTER {event} ON {table} {when} BEGIN "  # noqa: S608 - our words
            f"INSERT INTO search_searchchange (file_id) SELECT {row}.{key} WHERE NOT EXISTS "
            f"(SELECT 1 FROM search_searchchange WHERE file_id = {row}.{key}); END"
        )

    sources: dict[str, tuple[str, tuple[str, ...]]] = {"library_audiofile": ("id", _FILE_COLUMNS)}
    sources |= {table: ("file_id", columns) for table, columns in _SOURCES.items()}
    for table, (key, columns) in sources.items():
        differs = " OR ".join(f"OLD.{one} IS NOT NEW.{one}" for one in columns)
        add(table, "INSERT", key)
        add(table, "DELETE", key)
        add(table, "UPDATE", key, f"WHEN {differs}")
    for event in ("INSERT", "UPDATE"):
        name = f"search_note_embedding_{event.lower()}"
        made[name] = (
            f"CREATE TRIGGER {name} AFTER {event} ON jobs_predictionset "  # noqa: S608 - our words
            "WHEN NEW.embedding IS NOT NULL BEGIN "
            "INSERT INTO search_embeddingchange (prediction_set_id) VALUES (NEW.id); END"
        )
    return made


def _postgres_triggers() -> dict[str, str]:
    """Return the triggers of PostgreSQL: one call a statement where tags come by the dozen.

    What differs is asked inside of the functions: a column that is named in a trigger itself
    could not be altered any more by a migration.
    """
    made: dict[str, str] = {}
    for table in ("library_audiofile", "tagging_tagset", "tagging_fileevidence"):
        made[f"search_note_{table}"] = (
            f"CREATE TRIGGER search_note_{table} AFTER INSERT OR UPDATE OR DELETE ON {table} "
            f"FOR EACH ROW EXECUTE FUNCTION search_note_{table}()"
        )
    for event, rows in {"INSERT": "NEW", "UPDATE": "NEW", "DELETE": "OLD"}.items():
        name = f"search_note_tag_{event.lower()}"
        made[name] = (
            f"CREATE TRIGGER {name} AFTER {event} ON tagging_tag REFERENCING {rows} TABLE AS noted "
            "FOR EACH STATEMENT EXECUTE FUNCTION search_note_tags()"
        )
    made["search_note_embedding"] = (
        "CREATE TRIGGER search_note_embedding AFTER INSERT OR UPDATE ON jobs_predictionset "
        "FOR EACH ROW EXECUTE FUNCTION search_note_embedding()"
    )
    return made


def _postgres_functions() -> str:
    made = [_POSTGRES_FUNCTIONS]
    tables: dict[str, tuple[str, tuple[str, ...]]] = {"library_audiofile": ("id", _FILE_COLUMNS)}
    tables |= {table: ("file_id", columns) for table, columns in _SOURCES.items()}
    del tables["tagging_tag"]  # has one for whole statements
    for table, (key, columns) in tables.items():
        olds = ", ".join(f"OLD.{one}" for one in columns)
        news = ", ".join(f"NEW.{one}" for one in columns)
        made.append(
            f"CREATE OR REPLACE FUNCTION search_note_{table}() RETURNS trigger LANGUAGE plpgsql "  # noqa: S608 - our words
            "AS $$ BEGIN "
            f"IF TG_OP = 'UPDATE' AND ROW({olds}) IS NOT DISTINCT FROM ROW({news}) "
            "THEN RETURN NULL; END IF; "
            "INSERT INTO search_searchchange (file_id) "
            f"VALUES (CASE WHEN TG_OP = 'DELETE' THEN OLD.{key} ELSE NEW.{key} END); "
            "RETURN NULL; END $$;"
        )
    return "\n".join(made)


_POSTGRES_FUNCTIONS = """
CREATE OR REPLACE FUNCTION search_note_tags() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO search_searchchange (file_id) SELECT DISTINCT file_id FROM noted;
    RETURN NULL;
END $$;
CREATE OR REPLACE FUNCTION search_note_embedding() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NEW.embedding IS NOT NULL THEN
        INSERT INTO search_embeddingchange (prediction_set_id) VALUES (NEW.id);
    END IF;
    RETURN NULL;
END $$;
"""
