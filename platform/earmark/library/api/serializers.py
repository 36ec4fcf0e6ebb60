"""What the API of libraries takes and gives."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from rest_framework import serializers

from earmark.core.api.answers import AnswerSerializer
from earmark.library.access import Role
from earmark.library.api.fields import LONGEST_PATH, RelativePathField
from earmark.library.models import AudioFile, Library, LibraryRole, Scan
from earmark.library.selectors import count_files

_LONGEST_PATTERNS = 20_000
_MOST_MINUTES = 366 * 24 * 60
_MOST_SECONDS = 24 * 60 * 60


class LibrarySerializer(serializers.ModelSerializer[Library]):
    """A folder of sounds that Earmark looks after."""

    folder = serializers.CharField(source="root", help_text="Where it is on the server.")
    role = serializers.SerializerMethodField(help_text="Yours in it.")

    class Meta:
        model = Library
        fields = [
            *("id", "name", "folder", "role", "include", "exclude", "scan_every"),
            *("settle_seconds", "created_at", "last_scan_at", "scan_due_at"),
        ]
        read_only_fields = fields

    def get_role(self, library: Library) -> Role:
        """Return the role of who asks; superusers manage every library."""
        roles: Mapping[int, Role] = self.context["roles"]
        return roles.get(library.pk, Role.MANAGER)


class FileCountsSerializer(serializers.Serializer[Any]):
    """How many files are in which state."""

    present = serializers.IntegerField()
    missing = serializers.IntegerField()
    failed = serializers.IntegerField()
    excluded = serializers.IntegerField()


class LibraryDetailSerializer(LibrarySerializer):
    """A library, with the numbers of its files."""

    files = serializers.SerializerMethodField()

    class Meta(LibrarySerializer.Meta):
        fields = [*LibrarySerializer.Meta.fields, "files"]
        read_only_fields = fields

    def get_files(self, library: Library) -> FileCountsSerializer:
        """Return how many files are in which state."""
        counts: Any = count_files(library=library)
        return counts  # type: ignore[no-any-return]  # the annotation is for the document


class LibraryChange(serializers.Serializer[Any]):
    """What can be changed of a library."""

    name = serializers.CharField(max_length=200, required=False)
    include = serializers.CharField(
        max_length=_LONGEST_PATTERNS,
        allow_blank=True,
        required=False,
        help_text="Patterns as in .gitignore, one a line, such as *.wav; empty: all sounds.",
    )
    exclude = serializers.CharField(
        max_length=_LONGEST_PATTERNS,
        allow_blank=True,
        required=False,
        help_text="Patterns of what is left out.",
    )
    scan_every = serializers.IntegerField(
        min_value=1,
        max_value=_MOST_MINUTES,
        allow_null=True,
        required=False,
        help_text="Minutes from one scan to the next; null: only when somebody asks.",
    )
    settle_seconds = serializers.IntegerField(
        min_value=0,
        max_value=_MOST_SECONDS,
        allow_null=True,
        required=False,
        help_text="Files that changed within so many seconds are left for the next scan.",
    )


class LibraryInput(LibraryChange):
    """A folder to become a library."""

    folder = serializers.RegexField(
        "^/",
        max_length=LONGEST_PATH,
        trim_whitespace=False,
        help_text="Full path of a folder on the server, inside EARMARK_LIBRARY_ROOTS.",
    )


class RoleSerializer(serializers.ModelSerializer[LibraryRole]):
    """What somebody, or everybody in a group, may do in a library."""

    user = serializers.CharField(
        source="user.username", default=None, allow_null=True, read_only=True
    )
    group = serializers.CharField(
        source="group.name", default=None, allow_null=True, read_only=True
    )

    class Meta:
        model = LibraryRole
        fields = ["id", "user", "group", "role"]
        read_only_fields = fields


class RoleInput(serializers.Serializer[Any]):
    """A role to be given to a user or a group, by name."""

    user = serializers.CharField(max_length=150, required=False)
    group = serializers.CharField(max_length=150, required=False)
    role = serializers.ChoiceField(choices=Role.choices)

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        """Ask for one of the two."""
        if ("user" in attrs) == ("group" in attrs):
            raise serializers.ValidationError({"user": ["Name a user or a group, not both."]})
        return attrs


class ScanSerializer(serializers.ModelSerializer[Scan]):
    """A look through a library, and what it found so far."""

    problems = serializers.ListField(
        child=serializers.DictField(), help_text="The first ones; `problem_count` says how many."
    )

    class Meta:
        model = Scan
        fields = [
            *("id", "library", "under", "state", "error_code", "error_message", "found"),
            *("added", "changed", "returned", "vanished", "unchanged", "excluded", "settling"),
            *("folders", "problem_count", "problems", "created_at", "started_at", "updated_at"),
            "finished_at",
        ]
        read_only_fields = fields


class ScanInput(serializers.Serializer[Any]):
    """Which part of the library to look through."""

    under = RelativePathField(
        required=False, allow_blank=True, default="", help_text="A folder; empty: all of it."
    )


class FileSerializer(AnswerSerializer[AudioFile]):
    """A sound file, as it was when last seen."""

    location = serializers.SerializerMethodField(help_text="Its full path on the server.")

    class Meta:
        model = AudioFile
        fields = [
            *("id", "library", "path", "location", "size", "state", "error_code"),
            *("error_message", "error_retryable", "audio_hash", "duration", "sample_rate"),
            *("channels", "container", "codec", "first_seen_at", "last_seen_at"),
            "identified_at",
        ]
        read_only_fields = fields

    def get_location(self, file: AudioFile) -> str:
        """Return root and path, in the text form of paths."""
        return f"{file.library.root.rstrip('/')}/{file.path}"
