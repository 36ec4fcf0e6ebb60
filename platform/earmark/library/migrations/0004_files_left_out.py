from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("library", "0003_files_by_folder")]

    operations = [
        migrations.RemoveConstraint(model_name="audiofile", name="library_audiofile_state_valid"),
        migrations.AlterField(
            model_name="audiofile",
            name="state",
            field=models.CharField(
                choices=[
                    ("present", "Present"),
                    ("missing", "Missing"),
                    ("failed", "Failed"),
                    ("excluded", "left out by the library's patterns"),
                ],
                default="present",
                max_length=10,
            ),
        ),
        migrations.AddConstraint(
            model_name="audiofile",
            constraint=models.CheckConstraint(
                condition=models.Q(("state__in", ["present", "missing", "failed", "excluded"])),
                name="library_audiofile_state_valid",
            ),
        ),
    ]
