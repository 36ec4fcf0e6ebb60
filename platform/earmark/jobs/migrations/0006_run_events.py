from __future__ import annotations

import django.db.models.deletion
import django.db.models.functions.datetime
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("jobs", "0005_runs_are_steered"),
    ]

    operations = [
        migrations.CreateModel(
            name="RunEvent",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                (
                    "kind",
                    models.CharField(
                        choices=[
                            ("submitted", "Submitted"),
                            ("started", "Started"),
                            ("succeeded", "Succeeded"),
                            ("reused", "Reused"),
                            ("failed", "Failed"),
                            ("delayed", "failed, to be tried again"),
                            ("lost", "queued again after the end of a worker"),
                            ("paused", "Paused"),
                            ("resumed", "Resumed"),
                            ("retried", "failed jobs queued again by a person"),
                            ("cancelled", "Cancelled"),
                            ("finished", "Finished"),
                        ],
                        max_length=10,
                    ),
                ),
                ("jobs", models.PositiveIntegerField(default=0)),
                ("audio_seconds", models.FloatField(default=0.0)),
                ("payload", models.JSONField(blank=True, default=dict)),
                (
                    "created_at",
                    models.DateTimeField(
                        db_default=django.db.models.functions.datetime.Now(), db_index=True
                    ),
                ),
            ],
        ),
        migrations.AddField(
            model_name="runevent",
            name="run",
            field=models.ForeignKey(
                db_index=False,
                on_delete=django.db.models.deletion.CASCADE,
                related_name="events",
                to="jobs.run",
            ),
        ),
        migrations.AddIndex(
            model_name="runevent",
            index=models.Index(fields=["run", "id"], name="jobs_runevent_run_idx"),
        ),
    ]
