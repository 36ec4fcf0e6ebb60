"""Admin page of the log."""

from __future__ import annotations

from django.contrib import admin

from earmark.core.admin import ResultAdmin
from earmark.review.models import Decision


@admin.register(Decision)
class DecisionAdmin(ResultAdmin):
    """What reviewers said, and what was taken back; nothing of it can be changed."""

    list_display = [
        *("id", "created_at", "reviewer", "action", "name", "words", "library", "path"),
        *("score", "batch"),
    ]
    list_filter = ["action", "kind"]
    search_fields = ["=reviewer", "=batch", "=name", "path"]
    # The item may be gone; all that it was about stands in the row.
    exclude = ["item"]
    readonly_fields = ["item_id"]
