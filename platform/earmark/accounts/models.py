"""Tokens with which programs act for a user."""

from __future__ import annotations

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
