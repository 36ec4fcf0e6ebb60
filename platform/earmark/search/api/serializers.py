"""What is answered."""

from __future__ import annotations

from typing import Any

from rest_framework import serializers

from earmark.library.models import AudioFile
from earmark.search.selectors import LookUp
from earmark.search.selectors.facets import FACETS

MAX_ASKED = 1000


class FoundTagSerializer(serializers.Serializer[Any]):
    """A tag of a found file."""

    name = serializers.CharField()
    confidence = serializers.FloatField(
        allow_null=True, help_text="In [0, 1]; null if a person set it."
    )


class FoundFileSerializer(serializers.Serializer[Any]):
    """A found file; with `fields` only what was asked for. `file_values` gives these values."""

    id = serializers.IntegerField(required=False)
    library = serializers.IntegerField(required=False)
    library_name = serializers.CharField(required=False)
    path = serializers.CharField(required=False, help_text="Relative to the library.")
    name = serializers.CharField(required=False)
    folder = serializers.CharField(required=False)
    duration = serializers.FloatField(allow_null=True, required=False, help_text="Seconds.")
    channels = serializers.IntegerField(allow_null=True, required=False)
    sample_rate = serializers.IntegerField(allow_null=True, required=False, help_text="Hertz.")
    container = serializers.CharField(required=False)
    state = serializers.ChoiceField(AudioFile.State.choices, required=False)
    size = serializers.IntegerField(required=False, help_text="Bytes.")
    modified = serializers.DateTimeField(
        allow_null=True, required=False, help_text="Null where the file's time is no date."
    )
    audio_hash = serializers.CharField(required=False)
    catid = serializers.CharField(required=False, help_text="UCS; empty where nothing speaks.")
    tags = FoundTagSerializer(many=True, required=False, help_text="Surest first.")
    score = serializers.FloatField(
        allow_null=True,
        required=False,
        help_text="How well the file answers the words, within this search; null where there were "
        "too many to rank.",
    )


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
    label = serializers.CharField()  # type: ignore[assignment]
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
    complete = serializers.BooleanField(
        help_text="Whether the file was compared with all sounds that are known."
    )
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
