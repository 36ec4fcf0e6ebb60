import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("jobs", "0004_workers"),
        ("writeback", "0003_write_requests"),
    ]

    operations = [
        migrations.AlterField(
            model_name="writerequest",
            name="run",
            field=models.ForeignKey(
                blank=True,
                null=True,
                on_delete=django.db.models.deletion.CASCADE,
                related_name="write_requests",
                to="jobs.run",
            ),
        ),
    ]
