"""Admin pages of tags and of the policy they follow."""

from __future__ import annotations

import json

from django.contrib import admin
from django.utils.html import format_html
from django.utils.safestring import SafeString

from earmark.core.admin import ModelAdmin, ResultAdmin
from earmark.tagging.knowledge import Why
from earmark.tagging.models import StoredPolicy, Tag


@admin.register(StoredPolicy)
class StoredPolicyAdmin(ModelAdmin):
    """Thresholds, of one library or of all others."""

    list_display = ["__str__", "library", "threshold", "updated_at"]
    list_select_related = ["library"]


@admin.register(Tag)
class TagAdmin(ResultAdmin):
    """Tags, each with the reason it is there."""

    list_display = ["name", "file", "confidence", "decision", "origin", "label", "reason"]
    list_filter = ["decision", "origin"]
    list_select_related = ["file"]
    search_fields = ["name", "file__path"]
    fields = ["file", "name", "confidence", "decision", "origin", "label", "mid", "details"]
    readonly_fields = ["details"]

    @admin.display(description="reason")
    def reason(self, tag: Tag) -> str:
        """The path back to the classifier."""
        return " ← ".join(Why.from_dict(tag.why).path(tag.name)) if tag.why else ""

    @admin.display(description="why")
    def details(self, tag: Tag) -> SafeString:
        """Everything the rules have said."""
        return format_html("<pre>{}</pre>", json.dumps(tag.why, indent=2, ensure_ascii=False))
