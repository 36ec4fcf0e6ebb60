"""Admin pages of tags, of the policies they follow from, and of the thesaurus."""

from __future__ import annotations

import json
from typing import Any

from django.contrib import admin, messages
from django.contrib.auth.models import User
from django.db import models
from django.http import HttpRequest
from django.utils.html import format_html
from django.utils.safestring import SafeString

from earmark.core.admin import ModelAdmin, ResultAdmin
from earmark.tagging.forms import PolicyForm, ThesaurusForm
from earmark.tagging.knowledge import TagPolicy, Why
from earmark.tagging.knowledge.policy_text import differences
from earmark.tagging.models import (
    FileEvidence,
    PolicyChange,
    Tag,
    TagChange,
    TagSet,
    ThesaurusEntry,
)
from earmark.tagging.services import save_entry, set_policy

_APPLY = (
    "New tags follow it. Those of files that were classified before follow with the next `tag`, "
    "or at once with `earmark policy apply`."
)


@admin.register(PolicyChange)
class PolicyChangeAdmin(ModelAdmin):
    """Policies and their history; saving one makes a new version, the old ones stay."""

    form = PolicyForm
    list_display = ["__str__", "policy", "changes", "note", "changed_by", "created_at"]
    list_filter = ["library"]
    list_select_related = ["library", "policy", "changed_by"]

    def get_fields(self, request: HttpRequest, obj: PolicyChange | None = None) -> list[Any]:
        """Show the settings, which are no columns of the row."""
        return ["library", *TagPolicy().values, "note"]

    def get_form(self, *args: object, **kwargs: object) -> type[PolicyForm]:
        """Return the form as it is: its further fields are no columns of the row."""
        return PolicyForm

    def has_delete_permission(self, request: HttpRequest, obj: models.Model | None = None) -> bool:
        """Nobody takes versions away that tags rest on."""
        return False

    @admin.display(description="differs from Earmark's own in")
    def changes(self, change: PolicyChange) -> str:
        """What the policy sets."""
        if change.policy is None:
            return "follows the default"
        return "; ".join(differences(TagPolicy(), TagPolicy.from_values(change.policy.values)))

    def save_model(
        self, request: HttpRequest, obj: PolicyChange, form: PolicyForm, change: bool
    ) -> None:
        """Make a new version."""
        made = set_policy(
            policy=form.policy,
            library=form.cleaned_data["library"],
            note=form.cleaned_data["note"],
            changed_by=request.user if isinstance(request.user, User) else None,
        )
        obj.pk, obj.number = made.pk, made.number
        self.message_user(request, _APPLY, messages.INFO)


@admin.register(ThesaurusEntry)
class ThesaurusEntryAdmin(ModelAdmin):
    """A studio's own words."""

    form = ThesaurusForm
    fields = ["library", "term", "preferred", "synonyms", "forbidden", "translations"]
    list_display = ["term", "preferred", "synonyms", "forbidden", "translations", "library"]
    list_filter = ["library"]
    list_select_related = ["library"]
    search_fields = ["term", "preferred"]

    def save_model(
        self, request: HttpRequest, obj: ThesaurusEntry, form: ThesaurusForm, change: bool
    ) -> None:
        """Store the entry as an import would."""
        obj.pk = save_entry(entry=form.entry, library=form.cleaned_data["library"]).pk
        self.message_user(request, _APPLY, messages.INFO)


@admin.register(FileEvidence)
class FileEvidenceAdmin(ResultAdmin):
    """What people had written in files."""

    list_display = ["file", "said", "problem", "read_at"]
    list_filter = ["problem"]
    list_select_related = ["file"]
    search_fields = ["file__path"]


@admin.register(TagChange)
class TagChangeAdmin(ResultAdmin):
    """What people did to the tags of files."""

    list_display = ["file", "words", "by_name", "comment", "created_at", "undone_at"]
    list_select_related = ["file"]
    search_fields = ["file__path", "by_name", "comment"]


@admin.register(TagSet)
class TagSetAdmin(ResultAdmin):
    """What the tags of files rest on."""

    list_display = ["file", "basis", "results", "catid", "catid_confidence", "created_at"]
    list_select_related = ["file"]
    search_fields = ["file__path", "catid"]


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
        """The path back to the classifiers."""
        return " ← ".join(Why.from_dict(tag.why).path(tag.name)) if tag.why else ""

    @admin.display(description="why")
    def details(self, tag: Tag) -> SafeString:
        """Everything the rules have said."""
        return format_html("<pre>{}</pre>", json.dumps(tag.why, indent=2, ensure_ascii=False))
