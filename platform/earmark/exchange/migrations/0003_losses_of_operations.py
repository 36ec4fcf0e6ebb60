from __future__ import annotations

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("exchange", "0002_files_that_a_search_found")]

    operations = [
        migrations.AddField(
            model_name="bulkoperation",
            name="losses",
            field=models.PositiveSmallIntegerField(default=0),
        ),
    ]
