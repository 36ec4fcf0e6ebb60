"""Rows that belong to no app: answers kept for requests that are sent again."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.db.models import Q


class StoredAnswer(models.Model):
    """What a request with an ``Idempotency-Key`` was answered (`earmark.core.api.idempotency`).

    `fingerprint` is the hash of method, address and body: the same key with another request is a
    mistake of the client.
    """

    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE)
    key = models.CharField(max_length=255)
    fingerprint = models.CharField(max_length=64)
    status = models.PositiveSmallIntegerField(null=True)
    body = models.JSONField(null=True)
    headers = models.JSONField(default=dict)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["user", "key"], name="core_storedanswer_key_uniq"),
            models.CheckConstraint(condition=~Q(key=""), name="core_storedanswer_has_key"),
        ]
        indexes = [
            models.Index(fields=["user", "created_at"], name="core_storedanswer_age_idx"),
        ]

    def __str__(self) -> str:
        return f"{self.key}: {self.status}"
