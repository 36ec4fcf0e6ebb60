"""The databases themselves refuse to change or remove what the audit log says."""

from __future__ import annotations

from django.db import migrations

from earmark.core.append_only import refuse_changes


class Migration(migrations.Migration):
    dependencies = [("accounts", "0002_audit_log")]

    operations = [refuse_changes("accounts_auditentry", "the audit log is append-only")]
