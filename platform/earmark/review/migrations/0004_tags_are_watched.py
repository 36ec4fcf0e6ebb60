"""Triggers note whose tags have changed. As they are made, every file with tags counts as changed.

So what was due stays due, and nobody asks any more from which tags the items of a file were made.
"""

from django.db import migrations, models

from earmark.review.change_log import TAGS


def drop_triggers(apps, schema_editor):
    TAGS.remove()


class Migration(migrations.Migration):
    dependencies = [("review", "0003_files_due")]

    operations = [
        migrations.CreateModel(
            name="DueFile",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("file_id", models.BigIntegerField()),
            ],
            options={
                "indexes": [models.Index(fields=["file_id"], name="review_due_noted_idx")],
            },
        ),
        migrations.DeleteModel(name="RefreshCursor"),
        migrations.DeleteModel(name="RefreshedFile"),
        migrations.RunPython(migrations.RunPython.noop, drop_triggers),
    ]
