"""What waits is noted once: triggers look whether there is a note. They are made anew later."""

from django.db import migrations, models

from earmark.search.change_log import EMBEDDINGS, FILES

_OLD = "search_note"
"""The names of the triggers of before begin with this, on PostgreSQL those of functions too."""


def drop_old_triggers(apps, schema_editor):
    sqlite = schema_editor.connection.vendor == "sqlite"
    with schema_editor.connection.cursor() as cursor:
        cursor.execute(
            "SELECT name FROM sqlite_master WHERE type = 'trigger'"
            if sqlite
            else "SELECT proname FROM pg_proc WHERE pg_function_is_visible(oid)"
        )
        for (name,) in cursor.fetchall():
            if name.startswith(_OLD):
                cursor.execute(
                    f"DROP TRIGGER {name}" if sqlite else f"DROP FUNCTION {name}() CASCADE"
                )


def drop_new_triggers(apps, schema_editor):
    FILES.remove()
    EMBEDDINGS.remove()


class Migration(migrations.Migration):
    dependencies = [("search", "0003_words_of_files_that_are_there")]

    operations = [
        migrations.RunPython(drop_old_triggers, migrations.RunPython.noop),
        migrations.RunSQL(
            "DROP INDEX IF EXISTS search_change_file_idx",
            "CREATE INDEX search_change_file_idx ON search_searchchange (file_id)",
        ),
        migrations.AddIndex(
            model_name="searchchange",
            index=models.Index(fields=["file_id"], name="search_change_noted_idx"),
        ),
        migrations.AddIndex(
            model_name="embeddingchange",
            index=models.Index(fields=["prediction_set_id"], name="search_embedding_noted_idx"),
        ),
        migrations.RunPython(migrations.RunPython.noop, drop_new_triggers),
    ]
