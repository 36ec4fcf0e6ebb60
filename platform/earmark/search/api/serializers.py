"""What is answered."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from earmark.library.models import AudioFile
from earmark.search.api.inputs import FIELDS
from earmark.search.selectors import FoundFile, LookUp
from earmark.search.selectors.facets import FACETS

MAX_ASKED = 1000
_LARGEST = 2**53 - 1


class FoundTagSerializer(serializers.Serializer[Any]):
    """A tag of a found file."""

    name = serializers.CharField()
    confidence = serializers.FloatField(
        allow_null=True, help_text="In [0, 1]; null if a person set it."
    )


class FoundFileSerializer(serializers.Serializer[FoundFile]):
    """A found file; with `fields` only what was asked for."""

    id = serializers.IntegerField(source="file.pk", required=False)
    library = serializers.IntegerField(source="file.library_id", required=False)
    library_name = serializers.CharField(source="file.library.name", required=False)
    path = serializers.CharField(
        source="file.path", required=False, help_text="Relative to the library."
    )
    name = serializers.CharField(required=False)
    folder = serializers.SerializerMethodField(required=False)
    duration = serializers.FloatField(
        source="file.duration", allow_null=True, required=False, help_text="Seconds."
    )
    channels = serializers.IntegerField(source="file.channels", allow_null=True, required=False)
    sample_rate = serializers.IntegerField(
        source="file.sample_rate", allow_null=True, required=False, help_text="Hertz."
    )
    container = serializers.CharField(source="file.container", required=False)
    state = serializers.ChoiceField(AudioFile.State.choices, source="file.state", required=False)
    size = serializers.IntegerField(source="file.size", required=False, help_text="Bytes.")
    modified = serializers.SerializerMethodField(required=False)
    audio_hash = serializers.CharField(source="file.audio_hash", required=False)
    catid = serializers.CharField(required=False, help_text="UCS; empty where nothing speaks.")
    tags = serializers.SerializerMethodField(required=False)
    score = serializers.FloatField(
        allow_null=True,
        required=False,
        help_text="How well the file answers the words, within this search; null where there were "
        "too many to rank.",
    )

    def __init__(self, *args: Any, only: list[str] | None = None, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if only:
            for name in set(FIELDS) - set(only):
                self.fields.pop(name, None)

    def get_folder(self, found: FoundFile) -> str:
        """Return the folder within the library."""
        return found.file.path.rpartition("/")[0]

    def get_modified(self, found: FoundFile) -> datetime | None:
        """Return when the file was last changed; null where that is no date."""
        try:
            return datetime.fromtimestamp(found.file.mtime_ns / 1e9, UTC)
        except (OverflowError, ValueError, OSError):
            return None

    @extend_schema_field(FoundTagSerializer(many=True))
    def get_tags(self, found: FoundFile) -> list[dict[str, Any]]:
        """Return the tags, surest first."""
        return [{"name": name, "confidence": confidence} for name, confidence in found.tags]


class TotalSerializer(serializers.Serializer[Any]):
    """How many files fit."""

    value = serializers.IntegerField()
    exact = serializers.BooleanField(help_text="If not, there are at least so many.")


class CountSerializer(serializers.Serializer[Any]):
    """A value and the files that have it."""

    value = serializers.CharField()
    files = serializers.IntegerField()


class FacetCountsSerializer(serializers.Serializer[Any]):
    """Counts of files by those facets that were asked for."""

    def get_fields(self) -> dict[str, serializers.Field[Any, Any, Any, Any]]:
        """Return a list of counts for each facet."""
        return {name: CountSerializer(many=True, required=False) for name in FACETS}


class FacetsSerializer(serializers.Serializer[Any]):
    """How found files are spread."""

    sampled = serializers.IntegerField(help_text="Files that were counted.")
    exact = serializers.BooleanField(
        help_text="Whether these are all that fit; else the counts are of a fair sample."
    )
    counts = FacetCountsSerializer()


class SearchAnswerSerializer(serializers.Serializer[Any]):
    """A page of found files."""

    results = FoundFileSerializer(many=True)
    next = serializers.CharField(allow_null=True, help_text="Cursor of the next page.")
    sort = serializers.CharField()
    total = TotalSerializer(allow_null=True, help_text="With the first page only.")
    facets = FacetsSerializer(allow_null=True)
    corrections = serializers.ListField(
        child=serializers.CharField(), help_text="What may have been meant, if nothing was found."
    )
    complete = serializers.BooleanField(
        help_text="Whether the index knew of all changes; if not, it will in some seconds."
    )


class SuggestionSerializer(serializers.Serializer[Any]):
    """Something to search for."""

    kind = serializers.ChoiceField(["tag", "catid", "word"])
    text = serializers.CharField()
    label = serializers.CharField()
    files = serializers.IntegerField()


class SuggestionsSerializer(serializers.Serializer[Any]):
    """What begins as typed."""

    results = SuggestionSerializer(many=True)


class SuggestInput(serializers.Serializer[Any]):
    """What somebody has typed so far."""

    q = serializers.CharField(max_length=200, allow_blank=True)
    limit = serializers.IntegerField(required=False, default=10, min_value=1, max_value=100)


class TagsInput(serializers.Serializer[Any]):
    """Which tags."""

    prefix = serializers.CharField(
        required=False, max_length=200, allow_blank=True, default="", help_text="In any case."
    )


class TagCountSerializer(serializers.Serializer[Any]):
    """A tag and the number of files that have it."""

    name = serializers.CharField(source="text")
    files = serializers.IntegerField()


class SimilarInput(serializers.Serializer[Any]):
    """Like what, and how much of it."""

    limit = serializers.IntegerField(required=False, default=20, min_value=1, max_value=100)
    classifier = serializers.CharField(
        required=False,
        max_length=160,
        default="",
        help_text="Whose embeddings to compare: `audioset` or `audioset@1.1.0`.",
    )


class SimilarFileSerializer(serializers.Serializer[Any]):
    """A file and how near it is."""

    similarity = serializers.FloatField(help_text="Cosine of the embeddings, in [-1, 1].")
    file = FoundFileSerializer()


class SimilarAnswerSerializer(serializers.Serializer[Any]):
    """Files that sound like one."""

    classifier = serializers.CharField()
    compared = serializers.IntegerField(help_text="Sounds the file was compared with.")
    complete = serializers.BooleanField(help_text="Whether these were all that are known.")
    results = SimilarFileSerializer(many=True)


class LookUpInput(serializers.Serializer[Any]):
    """What another program knows of files; up to 1,000 of each."""

    paths = serializers.ListField(
        child=serializers.CharField(max_length=4096, trim_whitespace=False),
        required=False,
        max_length=MAX_ASKED,
        help_text="Absolute paths, as on the machine that holds the libraries.",
    )
    audio_hashes = serializers.ListField(
        child=serializers.CharField(max_length=128), required=False, max_length=MAX_ASKED
    )
    catids = serializers.ListField(
        child=serializers.CharField(max_length=16), required=False, max_length=50
    )

    def asked(self) -> LookUp:
        """Return what is asked."""
        return LookUp(**self.validated_data)


class LookedSerializer(serializers.Serializer[Any]):
    """The answer about one of them."""

    by = serializers.ChoiceField(["path", "audio_hash", "catid"])
    value = serializers.CharField()
    files = FoundFileSerializer(many=True)
    more = serializers.BooleanField(help_text="Whether there are more than are named.")


class LookUpAnswerSerializer(serializers.Serializer[Any]):
    """The answers, in the order of what was asked."""

    results = LookedSerializer(many=True)
