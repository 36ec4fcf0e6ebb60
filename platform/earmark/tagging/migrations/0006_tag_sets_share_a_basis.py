import django.db.models.deletion
from django.db import migrations, models


def make_bases(apps, schema_editor):
    """Make a row of each basis named so far; what it was made of is not known any more."""
    sets = apps.get_model("tagging", "TagSet").objects
    basis = apps.get_model("tagging", "TagBasis").objects
    for key in sets.order_by().values_list("basis", flat=True).distinct():
        basis.create(key=key, rules_version=1)


class Migration(migrations.Migration):
    dependencies = [("tagging", "0005_drop_stored_policy")]

    operations = [
        migrations.CreateModel(
            name="TagBasis",
            fields=[
                ("key", models.CharField(max_length=64, primary_key=True, serialize=False)),
                ("classifiers", models.JSONField(default=list)),
                ("rules_version", models.PositiveSmallIntegerField()),
                ("lexicon", models.CharField(blank=True, default="", max_length=64)),
                ("thesaurus", models.CharField(blank=True, default="", max_length=64)),
                ("created_at", models.DateTimeField(auto_now_add=True)),
                (
                    "policy",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="bases",
                        to="tagging.policyversion",
                    ),
                ),
            ],
            options={"verbose_name_plural": "tag bases"},
        ),
        migrations.RunPython(make_bases, migrations.RunPython.noop),
    ]
