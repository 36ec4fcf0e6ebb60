import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("library", "0001_initial"),
        ("tagging", "0010_tags_of_people"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name="TagChange",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("words", models.JSONField()),
                ("comment", models.CharField(blank=True, default="", max_length=500)),
                ("by_name", models.CharField(max_length=150)),
                ("batch", models.CharField(blank=True, default="", max_length=32)),
                ("created_at", models.DateTimeField()),
                ("undone_at", models.DateTimeField(blank=True, null=True)),
                ("undone_by_name", models.CharField(blank=True, default="", max_length=150)),
                (
                    "by",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "file",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="tag_changes",
                        to="library.audiofile",
                    ),
                ),
            ],
            options={
                "ordering": ["-id"],
                "indexes": [models.Index(fields=["file", "id"], name="tagging_tagchange_file_idx")],
                "constraints": [
                    models.UniqueConstraint(
                        condition=models.Q(("batch", ""), _negated=True),
                        fields=("batch", "file"),
                        name="tagging_tagchange_batch_uniq",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("undone_at__isnull", True), ("undone_by_name", "")),
                            models.Q(
                                ("undone_at__isnull", False),
                                models.Q(("undone_by_name", ""), _negated=True),
                            ),
                            _connector="OR",
                        ),
                        name="tagging_tagchange_undone_by",
                    ),
                ],
            },
        ),
    ]
