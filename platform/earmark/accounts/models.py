"""Tokens with which programs act for a user, and the log of what was done."""

from __future__ import annotations

from typing import Any, NoReturn

from django.conf import settings
from django.db import models
from django.db.models import Q


class ApiToken(models.Model):
    """A key for programs. Only its hash is stored: the token itself is shown once, when made.

    `prefix` is how the token begins, for people who look for the one that they found somewhere.
    """

    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="api_tokens"
    )
    name = models.CharField(max_length=100, help_text="What it is for.")
    prefix = models.CharField(max_length=10, editable=False)
    digest = models.CharField(max_length=64, editable=False)
    scopes = models.JSONField(help_text="What it may be used for.")
    created_at = models.DateTimeField(auto_now_add=True)
    expires_at = models.DateTimeField(null=True, blank=True)
    last_used_at = models.DateTimeField(null=True, blank=True, editable=False)
    revoked_at = models.DateTimeField(null=True, blank=True, editable=False)

    class Meta:
        verbose_name = "API token"
        constraints = [
            models.UniqueConstraint(fields=["digest"], name="accounts_apitoken_digest_uniq"),
            models.CheckConstraint(condition=~Q(name=""), name="accounts_apitoken_has_name"),
        ]

    def __str__(self) -> str:
        return f"{self.name} ({self.prefix}...)"


class AuditEntryQuerySet(models.QuerySet["AuditEntry"]):
    """Rows that are there to stay."""

    def update(self, **kwargs: Any) -> NoReturn:
        """Refuse to change rows."""
        raise TypeError("The audit log is append-only.")

    def delete(self) -> NoReturn:
        """Refuse to delete rows."""
        raise TypeError("The audit log is append-only.")


class AuditEntry(models.Model):
    """Who did what, when, from where, on what. Rows are added, never changed or deleted.

    Users and objects are named, not referred to: the entry says the same after they are gone.
    `actor_id` is empty for what nobody signed in did, such as a failed sign-in or a command;
    `actor` then says so in words.
    """

    at = models.DateTimeField(auto_now_add=True)
    actor_id = models.BigIntegerField(null=True)
    actor = models.CharField(max_length=200)
    token_id = models.BigIntegerField(null=True)
    address = models.GenericIPAddressField(null=True)
    act = models.CharField(max_length=40)
    object_type = models.CharField(max_length=100, blank=True, default="")
    object_id = models.BigIntegerField(null=True)
    object_name = models.CharField(max_length=200, blank=True, default="")
    details = models.JSONField(default=dict)

    objects = AuditEntryQuerySet.as_manager()

    class Meta:
        verbose_name_plural = "audit entries"
        indexes = [
            models.Index(fields=["act", "-id"], name="accounts_audit_act_idx"),
            models.Index(fields=["actor_id", "-id"], name="accounts_audit_actor_idx"),
            models.Index(
                fields=["object_type", "object_id", "-id"], name="accounts_audit_object_idx"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.actor}: {self.act} {self.object_name}".strip()

    def save(self, *args: Any, **kwargs: Any) -> None:
        """Add the row; an existing one is not changed."""
        if not self._state.adding:
            raise TypeError("The audit log is append-only.")
        super().save(*args, **kwargs)

    def delete(self, *args: Any, **kwargs: Any) -> NoReturn:
        """Refuse to delete the row."""
        raise TypeError("The audit log is append-only.")
