import django.db.models.deletion
import django.db.models.functions.comparison
from django.conf import settings
from django.db import migrations, models


def keep_thresholds(apps, schema_editor):
    """Make a version of each stored threshold, with today's defaults for everything else."""
    from earmark.tagging.knowledge import TagPolicy

    version = apps.get_model("tagging", "PolicyVersion").objects
    change = apps.get_model("tagging", "PolicyChange").objects
    for old in apps.get_model("tagging", "StoredPolicy").objects.order_by("pk"):
        policy = TagPolicy.with_threshold(old.threshold)
        row, _ = version.get_or_create(key=policy.version, defaults={"values": policy.values})
        change.create(library_id=old.library_id, number=1, policy=row)


class Migration(migrations.Migration):
    dependencies = [
        ("library", "0001_initial"),
        ("tagging", "0003_origins_of_tags"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name="PolicyVersion",
            fields=[
                ("key", models.CharField(max_length=16, primary_key=True, serialize=False)),
                ("values", models.JSONField()),
                ("created_at", models.DateTimeField(auto_now_add=True)),
            ],
        ),
        migrations.CreateModel(
            name="PolicyChange",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("number", models.PositiveIntegerField()),
                ("note", models.CharField(blank=True, default="", max_length=200)),
                ("created_at", models.DateTimeField(auto_now_add=True)),
                (
                    "changed_by",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "library",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="policy_changes",
                        to="library.library",
                    ),
                ),
                (
                    "policy",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="changes",
                        to="tagging.policyversion",
                    ),
                ),
            ],
            options={
                "verbose_name": "tag policy",
                "verbose_name_plural": "tag policies",
                "ordering": ["-id"],
                "constraints": [
                    models.UniqueConstraint(
                        django.db.models.functions.comparison.Coalesce("library", 0),
                        models.F("number"),
                        name="tagging_policychange_number_uniq",
                    )
                ],
            },
        ),
        migrations.RunPython(keep_thresholds, migrations.RunPython.noop),
    ]
