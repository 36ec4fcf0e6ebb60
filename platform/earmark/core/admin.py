"""What the admin pages of all apps share."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

from django.contrib import admin
from django.db import models
from django.http import HttpRequest
from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString

if TYPE_CHECKING:  # Django's own class takes no type arguments when it runs
    ModelAdmin = admin.ModelAdmin[Any]
else:
    ModelAdmin = admin.ModelAdmin


class ResultAdmin(ModelAdmin):
    """Pages of rows that Earmark makes by itself: to be looked at, not edited."""

    list_per_page = 50
    # Counting a million rows to say "of 1,000,000" takes longer than finding the page.
    show_full_result_count = False

    def has_add_permission(self, request: HttpRequest) -> bool:
        """Nobody adds results by hand."""
        return False

    def has_change_permission(self, request: HttpRequest, obj: models.Model | None = None) -> bool:
        """Nobody edits results by hand."""
        return False

    def has_delete_permission(self, request: HttpRequest, obj: models.Model | None = None) -> bool:
        """Nobody deletes results by hand."""
        return False


def link_to_list(page: str, text: str, filters: Mapping[str, object]) -> SafeString:
    """Return a link to a filtered list; `page` is such as ``jobs_job``."""
    address = f"{reverse(f'admin:{page}_changelist')}?{urlencode(filters)}"
    return format_html('<a href="{}">{}</a>', address, text)
