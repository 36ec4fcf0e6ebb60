from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("tagging", "0009_file_evidence")]

    operations = [
        migrations.AddField(
            model_name="tagset",
            name="version",
            field=models.PositiveIntegerField(default=1),
        ),
        migrations.RemoveConstraint(model_name="tag", name="tagging_tag_origin_valid"),
        migrations.AlterField(
            model_name="tag",
            name="origin",
            field=models.CharField(
                choices=[
                    ("classifier", "Classifier"),
                    ("ontology", "Ontology"),
                    ("synonym", "Synonym"),
                    ("translation", "Translation"),
                    ("person", "Person"),
                ],
                max_length=12,
            ),
        ),
        migrations.AddConstraint(
            model_name="tag",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    (
                        "origin__in",
                        ["classifier", "ontology", "synonym", "translation", "person"],
                    )
                ),
                name="tagging_tag_origin_valid",
            ),
        ),
    ]
