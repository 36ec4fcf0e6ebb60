import django.db.models.deletion
import django.db.models.functions.comparison
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("tagging", "0008_thesaurus")]

    operations = [
        migrations.CreateModel(
            name="FileEvidence",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("said", models.JSONField(blank=True, default=dict)),
                ("problem", models.CharField(blank=True, default="", max_length=64)),
                ("read_at", models.DateTimeField()),
                (
                    "file",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="evidence",
                        to="library.audiofile",
                    ),
                ),
            ],
            options={
                "verbose_name_plural": "file evidence",
            },
        ),
    ]
