"""The databases themselves refuse to change or remove what reviewers said.

SQLite forgets triggers when a table is made anew: see `earmark.core.append_only`.
"""

from __future__ import annotations

from django.db import migrations

from earmark.core.append_only import refuse_changes


class Migration(migrations.Migration):
    dependencies = [("review", "0001_queue_and_log")]

    operations = [refuse_changes("review_decision", "decisions are never changed or removed")]
