"""Admin pages of libraries, their files and scans."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from django import forms
from django.contrib import admin, messages
from django.contrib.auth.models import User
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

from earmark.core.admin import ModelAdmin, ResultAdmin, link_to_list
from earmark.core.errors import EarmarkError
from earmark.library.models import AudioFile, Library, LibraryRole, Scan
from earmark.library.roles import Role
from earmark.library.selectors import count_files
from earmark.library.services import (
    LibraryOptions,
    check_options,
    check_registration,
    grant_role,
    register_library,
    request_scan,
    revoke_role,
    update_library,
)
from earmark_files.paths import display, text_to_path

_FACTS = ["folder", "files", "created_at", "last_scan_at", "scan_due_at", "links"]
_OPTIONS = ["include", "exclude", "scan_every", "settle_seconds"]

if TYPE_CHECKING:  # Django's own classes take no type arguments when they run
    LibraryForm = forms.ModelForm[Library]
    RoleTable = admin.TabularInline[LibraryRole, Library]
else:
    LibraryForm = forms.ModelForm
    RoleTable = admin.TabularInline


class OptionsForm(LibraryForm):
    """What people may change of a library."""

    class Meta:
        model = Library
        fields = ["name", *_OPTIONS]
        widgets = {name: forms.Textarea(attrs={"rows": 4}) for name in ("include", "exclude")}

    def clean(self) -> dict[str, Any]:
        """Check the options and say what is wrong with them."""
        values = super().clean() or self.cleaned_data
        if not self.errors:
            try:
                check_options(self.options())
            except EarmarkError as error:
                raise forms.ValidationError(str(error), code=error.code) from error
        return values

    def options(self) -> LibraryOptions:
        """Return what was chosen."""
        return LibraryOptions(**{name: self.cleaned_data[name] for name in _OPTIONS})

    def save(self, commit: bool = True) -> Library:
        """Change the library; the row is saved whatever `commit` says."""
        self.instance = update_library(
            library=self.instance, name=self.cleaned_data["name"], options=self.options()
        )
        return self.instance

    def save_m2m(self) -> None:
        """Do nothing: a library refers to nothing. The admin calls it after `save`."""


class RegisterForm(OptionsForm):
    """Asks for a folder on the server."""

    folder = forms.CharField(
        help_text="Full path of a folder on this machine, inside EARMARK_LIBRARY_ROOTS.",
        widget=forms.TextInput(attrs={"size": 80}),
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["name"].required = False
        self.fields["name"].help_text = "By default the folder's name."

    def clean_folder(self) -> Path:
        """Check the folder and say what is wrong with it."""
        folder = Path(self.cleaned_data["folder"].strip())
        try:
            check_registration(root=folder)
        except EarmarkError as error:
            raise forms.ValidationError(str(error), code=error.code) from error
        return folder

    def save(self, commit: bool = True) -> Library:
        """Register the library; the row is saved whatever `commit` says."""
        self.instance = register_library(
            root=self.cleaned_data["folder"],
            name=self.cleaned_data["name"],
            options=self.options(),
        )
        return self.instance


class LibraryRoleInline(RoleTable):
    """Who may do what in a library."""

    model = LibraryRole
    extra = 0


@admin.register(Library)
class LibraryAdmin(ModelAdmin):
    """Register libraries, and start scans of them."""

    list_display = ["name", "folder", "files", "last_scan_at", "links"]
    search_fields = ["name", "root"]
    actions = ["scan_now"]

    def has_delete_permission(self, request: HttpRequest, obj: Library | None = None) -> bool:
        """Leave that to the API and `earmark library remove`, which wait for what is under way."""
        return False

    def get_inlines(self, request: HttpRequest, obj: Library | None) -> list[Any]:
        """Ask for roles once there is a library."""
        return [LibraryRoleInline] if obj else []

    def save_formset(self, request: HttpRequest, form: Any, formset: Any, change: bool) -> None:
        """Give and take roles through the services, which write the audit log."""
        formset.save(commit=False)
        for role in formset.deleted_objects:
            revoke_role(role=role)
        for role, _ in formset.changed_objects:
            revoke_role(role=LibraryRole.objects.get(pk=role.pk))
        for role in [*formset.new_objects, *(role for role, _ in formset.changed_objects)]:
            holder = role.user or role.group
            grant_role(library=role.library, holder=holder, role=Role(role.role))

    def get_form(
        self, request: HttpRequest, obj: Library | None = None, change: bool = False, **kwargs: Any
    ) -> type[forms.ModelForm[Library]]:
        """Ask for the folder once; afterwards all but that can be changed."""
        return RegisterForm if obj is None else OptionsForm

    def save_model(
        self, request: HttpRequest, obj: Library, form: forms.ModelForm[Library], change: bool
    ) -> None:
        """Do nothing: the form has saved it through the services."""

    def get_fields(self, request: HttpRequest, obj: Library | None = None) -> list[Any]:
        """Show what a library is only once there is one."""
        return ["name", *_OPTIONS, *_FACTS] if obj else ["folder", "name", *_OPTIONS]

    def get_readonly_fields(self, request: HttpRequest, obj: Library | None = None) -> list[str]:
        """See `get_fields`."""
        return _FACTS if obj else []

    @admin.display(description="folder", ordering="root")
    def folder(self, library: Library) -> str:
        """Where it is."""
        return display(library.location)

    @admin.display(description="files")
    def files(self, library: Library) -> str:
        """How many files are in which state."""
        counts = count_files(library=library)
        return ", ".join(f"{count:,} {state}" for state, count in counts.items() if count) or "none"

    @admin.display(description="see")
    def links(self, library: Library) -> SafeString:
        """Ways to what belongs to it."""
        own = {"library__id__exact": library.pk}
        pages = [
            ("library_audiofile", "files", own),
            ("library_scan", "scans", own),
            ("jobs_run", "runs", own),
        ]
        return format_html_join(" · ", "{}", ((link_to_list(*page),) for page in pages))

    @admin.action(description="Scan now", permissions=["change"])
    def scan_now(self, request: HttpRequest, libraries: QuerySet[Library]) -> None:
        """Ask for scans; a worker does them."""
        user = request.user if isinstance(request.user, User) else None
        for library in libraries:
            scan = request_scan(library=library, requested_by=user)
            text = "Scan {} of {} is queued. {}"
            link = link_to_list("library_scan", "See how far it is", {"id": scan.pk})
            self.message_user(request, format_html(text, scan.pk, library.name, link))
        self.message_user(
            request,
            "The worker that `make up` runs beside these pages takes it up within seconds; "
            "elsewhere start one with `earmark work`.",
            messages.INFO,
        )


@admin.register(AudioFile)
class AudioFileAdmin(ResultAdmin):
    """Files as last seen."""

    list_display = [
        *("path", "library", "state", "duration", "sample_rate", "channels", "codec"),
        "error_code",
    ]
    list_filter = ["state", "library", "error_code", "container", "sample_rate", "channels"]
    list_select_related = ["library"]
    search_fields = ["path", "audio_hash"]
    readonly_fields = ["links"]

    @admin.display(description="see")
    def links(self, file: AudioFile) -> SafeString:
        """Ways to what is known about it."""
        own: dict[str, object] = {"file__id__exact": file.pk}
        pages = [
            ("tagging_tag", "tags", own),
            ("jobs_job", "jobs", own),
            ("writeback_tagwrite", "tag writes", own),
        ]
        if file.audio_hash:
            pages.append(("jobs_predictionset", "predictions", {"audio_hash": file.audio_hash}))
        return format_html_join(" · ", "{}", ((link_to_list(*page),) for page in pages))


@admin.register(Scan)
class ScanAdmin(ResultAdmin):
    """Scans, and what they found."""

    list_display = [
        *("id", "library", "state", "found", "added", "changed", "returned", "vanished"),
        *("place", "error_message", "updated_at", "finished_at"),
    ]
    list_filter = ["state", "library"]
    list_select_related = ["library"]

    @admin.display(description="at the folder")
    def place(self, scan: Scan) -> str:
        """Where a scan that is under way has come to."""
        return display(text_to_path(scan.cursor)) if scan.state == Scan.State.RUNNING else ""
