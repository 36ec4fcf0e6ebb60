"""What is written into the audit log."""

from __future__ import annotations

from enum import StrEnum


class Act(StrEnum):
    """Something that somebody may later want to know who did."""

    SIGNED_IN = "signed_in"
    SIGN_IN_FAILED = "sign_in_failed"
    LOCKED_OUT = "locked_out"
    SIGNED_OUT = "signed_out"
    USER_CREATED = "user_created"
    USER_ACTIVATED = "user_activated"
    USER_DEACTIVATED = "user_deactivated"
    GROUP_CREATED = "group_created"
    GROUP_DELETED = "group_deleted"
    GROUP_JOINED = "group_joined"
    GROUP_LEFT = "group_left"
    TOKEN_CREATED = "token_created"  # noqa: S105
    TOKEN_REVOKED = "token_revoked"  # noqa: S105
    ROLE_GRANTED = "role_granted"
    ROLE_REVOKED = "role_revoked"
    LIBRARY_REGISTERED = "library_registered"
    LIBRARY_CHANGED = "library_changed"
    LIBRARY_REMOVED = "library_removed"
    POLICY_CHANGED = "policy_changed"
    THESAURUS_CHANGED = "thesaurus_changed"
    WEBHOOK_CHANGED = "webhook_changed"
    BULK_EDIT = "bulk_edit"
    BULK_WRITE = "bulk_write"
    WRITES_UNDONE = "writes_undone"
    DECISIONS_IMPORTED = "decisions_imported"
    EXPORTED = "exported"
