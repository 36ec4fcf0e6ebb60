from django.db import migrations

# The index of words knows by itself which files are there: a condition on the row would mean to
# read each. Without fastupdate: a list of what is still to be sorted in would be read by every
# search.
_MAKE = (
    "DROP INDEX search_document_vector_idx",
    "CREATE INDEX search_document_vector_idx ON search_searchdocument USING gin (vector) "
    "WITH (fastupdate = off) WHERE state IN ('present', 'failed')",
    "CREATE INDEX search_document_gone_idx ON search_searchdocument USING gin (vector) "
    "WITH (fastupdate = off) WHERE state IN ('missing', 'excluded')",
)
_DROP = (
    "DROP INDEX search_document_gone_idx",
    "DROP INDEX search_document_vector_idx",
    "CREATE INDEX search_document_vector_idx ON search_searchdocument "
    "USING gin (vector) WITH (fastupdate = off)",
)


def _run(schema_editor, statements):
    if schema_editor.connection.vendor == "postgresql":
        with schema_editor.connection.cursor() as cursor:
            for sql in statements:
                cursor.execute(sql)


def make(apps, schema_editor):
    _run(schema_editor, _MAKE)


def drop(apps, schema_editor):
    _run(schema_editor, _DROP)


class Migration(migrations.Migration):
    dependencies = [("search", "0002_full_text")]

    operations = [migrations.RunPython(make, drop)]
