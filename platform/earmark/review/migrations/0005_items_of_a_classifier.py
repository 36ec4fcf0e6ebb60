from __future__ import annotations

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("review", "0004_tags_are_watched")]

    operations = [
        migrations.AddIndex(
            model_name="reviewitem",
            index=models.Index(
                fields=["classifier", "state", "rank"], name="review_item_classifier_idx"
            ),
        ),
    ]
