from django.db import migrations, models
from django.utils import timezone


def end_running(apps, schema_editor):
    """Nothing scans during an upgrade, and from now on a library has one running scan."""
    apps.get_model("library", "Scan").objects.filter(state="running").update(
        state="failed",
        error_code="scan_abandoned",
        error_message="Earmark was upgraded meanwhile. Scan again.",
        lease_until=None,
        finished_at=timezone.now(),
    )


class Migration(migrations.Migration):
    dependencies = [("library", "0004_files_left_out")]

    operations = [
        migrations.RunPython(end_running, migrations.RunPython.noop),
        *(
            migrations.AddField(
                model_name="scan", name=name, field=models.PositiveIntegerField(default=0)
            )
            for name in (
                *("unchanged", "excluded", "settling", "folders", "problem_count"),
                *("attempt", "lost_leases"),
            )
        ),
        migrations.AddField(
            model_name="scan", name="cursor", field=models.TextField(blank=True, default="")
        ),
        migrations.AddField(
            model_name="scan",
            name="updated_at",
            field=models.DateTimeField(blank=True, null=True),
        ),
        migrations.AddConstraint(
            model_name="scan",
            constraint=models.UniqueConstraint(
                fields=["library"],
                condition=models.Q(state="running"),
                name="library_scan_running_uniq",
            ),
        ),
    ]
