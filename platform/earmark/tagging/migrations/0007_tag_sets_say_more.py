import django.db.models.deletion
import django.db.models.functions.comparison
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("tagging", "0006_tag_sets_share_a_basis")]

    operations = [
        migrations.RemoveIndex(
            model_name="tagset",
            name="tagging_tagset_basis_idx",
        ),
        migrations.AddField(
            model_name="tagset",
            name="catid",
            field=models.CharField(blank=True, default="", max_length=16),
        ),
        migrations.AddField(
            model_name="tagset",
            name="catid_confidence",
            field=models.FloatField(blank=True, null=True),
        ),
        migrations.AddField(
            model_name="tagset",
            name="catid_runners_up",
            field=models.JSONField(blank=True, default=list),
        ),
        migrations.AddField(
            model_name="tagset",
            name="content_key",
            field=models.CharField(blank=True, default="", max_length=64),
        ),
        migrations.AddField(
            model_name="tagset",
            name="search_words",
            field=models.TextField(blank=True, default=""),
        ),
        migrations.AlterField(
            model_name="tagset",
            name="basis",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.PROTECT,
                related_name="tag_sets",
                to="tagging.tagbasis",
            ),
        ),
    ]
