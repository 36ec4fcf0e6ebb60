import django.db.models.deletion
import django.db.models.functions.comparison
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("tagging", "0007_tag_sets_say_more")]

    operations = [
        migrations.CreateModel(
            name="ThesaurusEntry",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("term", models.CharField(max_length=200)),
                ("term_key", models.CharField(editable=False, max_length=200)),
                ("preferred", models.CharField(blank=True, default="", max_length=200)),
                ("synonyms", models.JSONField(blank=True, null=True)),
                ("forbidden", models.JSONField(blank=True, default=list)),
                ("translations", models.JSONField(blank=True, default=dict)),
                ("updated_at", models.DateTimeField(auto_now=True)),
                (
                    "library",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="thesaurus",
                        to="library.library",
                    ),
                ),
            ],
            options={
                "verbose_name_plural": "thesaurus entries",
                "ordering": ["term_key"],
            },
        ),
        migrations.AddConstraint(
            model_name="thesaurusentry",
            constraint=models.UniqueConstraint(
                django.db.models.functions.comparison.Coalesce("library", 0),
                models.F("term_key"),
                name="tagging_thesaurus_term_uniq",
            ),
        ),
        migrations.AddConstraint(
            model_name="thesaurusentry",
            constraint=models.CheckConstraint(
                condition=models.Q(("term_key", ""), _negated=True),
                name="tagging_thesaurus_term_given",
            ),
        ),
    ]
