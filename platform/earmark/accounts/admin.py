"""Admin pages of tokens and of the audit log."""

from __future__ import annotations

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest

from earmark.accounts.models import ApiToken, AuditEntry
from earmark.accounts.services import revoke_token
from earmark.core.admin import ResultAdmin


@admin.register(ApiToken)
class ApiTokenAdmin(ResultAdmin):
    """See and revoke tokens; they are made with `earmark token create` or through the API."""

    list_display = [
        *("name", "user", "prefix", "scopes", "created_at", "expires_at"),
        *("last_used_at", "revoked_at"),
    ]
    list_filter = ["user"]
    list_select_related = ["user"]
    search_fields = ["name", "prefix", "user__username"]
    exclude = ["digest"]
    actions = ["revoke"]

    @admin.action(description="Revoke", permissions=["view"])
    def revoke(self, request: HttpRequest, tokens: QuerySet[ApiToken]) -> None:
        """Make tokens useless from now on."""
        if not request.user.is_superuser:
            tokens = tokens.filter(user=request.user.pk)
        for token in tokens:
            revoke_token(token=token)


@admin.register(AuditEntry)
class AuditEntryAdmin(ResultAdmin):
    """Who did what."""

    list_display = ["at", "actor", "address", "act", "object_type", "object_name", "details"]
    list_filter = ["act"]
    search_fields = ["actor", "object_name"]
    date_hierarchy = "at"
