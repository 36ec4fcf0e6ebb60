"""Admin page of tag writes."""

from __future__ import annotations

import json

from django.contrib import admin
from django.utils.html import format_html
from django.utils.safestring import SafeString

from earmark.core.admin import ResultAdmin
from earmark.writeback.models import TagWrite


@admin.register(TagWrite)
class TagWriteAdmin(ResultAdmin):
    """What was written into which file, and what was refused."""

    list_display = ["id", "file", "state", "error_code", "error_message", "target", "created_at"]
    list_filter = ["state", "error_code"]
    list_select_related = ["file"]
    search_fields = ["file__path"]
    exclude = ["undo", "plan"]
    readonly_fields = ["changes", "can_be_undone"]

    @admin.display(description="plan")
    def changes(self, write: TagWrite) -> SafeString:
        """What was to change, field by field."""
        return format_html("<pre>{}</pre>", json.dumps(write.plan, indent=2, ensure_ascii=False))

    @admin.display(description="can be undone", boolean=True)
    def can_be_undone(self, write: TagWrite) -> bool:
        """Whether the old bytes are kept."""
        return write.state == TagWrite.State.WRITTEN and write.undo is not None
