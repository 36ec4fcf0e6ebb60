from django.db import migrations, transaction
from django.db.utils import OperationalError, ProgrammingError

from earmark.search.change_log import EMBEDDINGS, FILES

_SQLITE = (
    "CREATE VIRTUAL TABLE search_text USING fts5("
    "name, tags, synonyms, ancestors, folders, keys, "
    "tokenize = 'unicode61 remove_diacritics 2', prefix = '3 4')",
    # The triggers of SQLite look whether a file is noted already.
    "CREATE INDEX search_change_file_idx ON search_searchchange (file_id)",
)
_POSTGRES = (
    "ALTER TABLE search_searchdocument ADD COLUMN vector tsvector NOT NULL DEFAULT ''",
    # Without fastupdate: a list of what is still to be sorted in would be read by every search.
    "CREATE INDEX search_document_vector_idx ON search_searchdocument "
    "USING gin (vector) WITH (fastupdate = off)",
    # The planner knows the frequency of so many words.
    "ALTER TABLE search_searchdocument ALTER COLUMN vector SET STATISTICS 1000",
)
_TRIGRAMS = (
    "CREATE EXTENSION IF NOT EXISTS pg_trgm",
    "CREATE INDEX search_term_trigram_idx ON search_searchterm "
    "USING gin (text gin_trgm_ops) WHERE kind = 'word'",
)


def make(apps, schema_editor):
    connection = schema_editor.connection
    with connection.cursor() as cursor:
        if connection.vendor == "sqlite":
            for sql in _SQLITE:
                cursor.execute(sql)
            return
        for sql in _POSTGRES:
            cursor.execute(sql)
    try:
        with transaction.atomic(using=connection.alias), connection.cursor() as cursor:
            for sql in _TRIGRAMS:
                cursor.execute(sql)
    except (OperationalError, ProgrammingError, NotImplementedError):
        # An administrator may not let us have the extension: `search status` tells, and wrong
        # spelling is then found by comparing words.
        pass


def drop(apps, schema_editor):
    FILES.remove()
    EMBEDDINGS.remove()
    connection = schema_editor.connection
    with connection.cursor() as cursor:
        if connection.vendor == "sqlite":
            cursor.execute("DROP TABLE search_text")
            cursor.execute("DROP INDEX search_change_file_idx")
            return
        cursor.execute("DROP INDEX IF EXISTS search_term_trigram_idx")
        cursor.execute("ALTER TABLE search_searchdocument DROP COLUMN vector")


class Migration(migrations.Migration):
    dependencies = [
        ("search", "0001_initial"),
        ("jobs", "0006_run_events"),
        ("library", "0005_scans_go_on"),
        ("tagging", "0009_file_evidence"),
    ]

    operations = [migrations.RunPython(make, drop)]
