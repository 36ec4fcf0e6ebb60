from django.db import migrations, models


class Migration(migrations.Migration):
    """Files are compared folder by folder; the next scan fills the new column in."""

    dependencies = [("library", "0002_library_patterns_and_schedule")]

    operations = [
        migrations.AddField(
            model_name="audiofile",
            name="folder_key",
            field=models.BigIntegerField(editable=False, null=True),
        ),
        migrations.AddIndex(
            model_name="audiofile",
            index=models.Index(
                fields=["library", "folder_key"], name="library_audiofile_folder_idx"
            ),
        ),
    ]
