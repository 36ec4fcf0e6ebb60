"""The database itself keeps the audit log as it is, and lets its owner take old entries away."""

from __future__ import annotations

import re
import sqlite3
from datetime import timedelta
from pathlib import Path

import pytest
from django.db import IntegrityError, connection, transaction
from django.utils import timezone

from earmark.accounts.acts import Act
from earmark.accounts.models import AuditEntry
from earmark.accounts.services.audit import record_act
from earmark.core.append_only import triggers

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("as_installed")]

PAGE = Path(__file__).resolve().parents[3] / "docs" / "operations.md"


@pytest.fixture
def as_installed() -> None:
    """Put back what stands in the way of emptying the database between tests."""
    if connection.vendor == "sqlite":
        made = triggers("sqlite", "accounts_auditentry", "the audit log is append-only")
        execute(next(one for one in made if "BEFORE DELETE" in one))


def execute(statement: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute(statement)


@pytest.mark.parametrize(
    "statement",
    ["UPDATE accounts_auditentry SET actor = 'nobody'", "DELETE FROM accounts_auditentry"],
)
def test_entries_are_neither_changed_nor_removed_whoever_writes(statement: str):
    record_act(act=Act.SIGNED_OUT)

    with pytest.raises(IntegrityError, match="append-only"), transaction.atomic():
        execute(statement)

    assert AuditEntry.objects.get().actor != "nobody"


def test_the_owner_of_the_database_removes_old_entries_as_the_page_says(
    monkeypatch: pytest.MonkeyPatch,
):
    kept = record_act(act=Act.SIGNED_OUT)
    long_ago = timezone.now() - timedelta(days=6 * 366)
    with monkeypatch.context() as patch:
        patch.setattr(timezone, "now", lambda: long_ago)
        record_act(act=Act.SIGNED_OUT)

    for statement in statements_of_page():
        execute(statement)

    assert AuditEntry.objects.get() == kept
    with pytest.raises(IntegrityError), transaction.atomic():
        execute("DELETE FROM accounts_auditentry")


def statements_of_page() -> list[str]:
    """Return what the page says for this database, without its transaction: the test has one."""
    blocks = re.findall(r"^```sql\n(.*?)^```", PAGE.read_text("utf-8"), re.MULTILINE | re.DOTALL)
    (block,) = (one for one in blocks if ("DISABLE" in one) == (connection.vendor == "postgresql"))
    statements, rest = [], ""
    for line in block.splitlines():
        rest += line + "\n"
        if sqlite3.complete_statement(rest):
            statements.append(rest.strip())
            rest = ""
    assert rest == ""
    return statements[1:-1]
