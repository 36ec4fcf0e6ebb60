from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("library", "0001_initial")]

    operations = [
        migrations.AddField(
            model_name="library",
            name="include",
            field=models.TextField(
                blank=True,
                default="",
                help_text="Patterns as in .gitignore, one a line, such as *.wav; "
                "empty: all sounds.",
            ),
        ),
        migrations.AddField(
            model_name="library",
            name="exclude",
            field=models.TextField(
                blank=True,
                default="",
                help_text="Patterns of what is left out, one a line, such as /Old/ or *_temp.wav.",
            ),
        ),
        migrations.AddField(
            model_name="library",
            name="scan_every",
            field=models.PositiveIntegerField(
                blank=True,
                help_text="Minutes from one scan to the next; empty: only when somebody asks.",
                null=True,
            ),
        ),
        migrations.AddField(
            model_name="library",
            name="settle_seconds",
            field=models.PositiveIntegerField(
                blank=True,
                help_text="Files that changed within so many seconds are left for the next scan, "
                "as they may still be being copied; empty: EARMARK_SETTLE_SECONDS.",
                null=True,
            ),
        ),
        migrations.AddField(
            model_name="library",
            name="scan_due_at",
            field=models.DateTimeField(blank=True, editable=False, null=True),
        ),
        migrations.AddConstraint(
            model_name="library",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("scan_every__isnull", True), ("scan_every__gte", 1), _connector="OR"
                ),
                name="library_library_scan_every_valid",
            ),
        ),
    ]
