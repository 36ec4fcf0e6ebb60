"""How lists of libraries, scans and files can be narrowed."""

from __future__ import annotations

from django.db.models import QuerySet
from django_filters import rest_framework as django_filters

from earmark.core.api.filters import FilterSet, IdFilter
from earmark.library.models import AudioFile, AudioFileQuerySet, Library, Scan


class LibraryFilter(FilterSet):
    """By name."""

    name = django_filters.CharFilter()

    class Meta:
        model = Library
        fields = ["name"]


class ScanFilter(FilterSet):
    """By how far they are."""

    state = django_filters.ChoiceFilter(choices=Scan.State.choices)

    class Meta:
        model = Scan
        fields = ["state"]


class FileFilter(FilterSet):
    """By place, state and what the sound is."""

    library = IdFilter(field_name="library_id")
    under = django_filters.CharFilter(method="filter_under", label="A folder of the library.")
    state = django_filters.ChoiceFilter(choices=AudioFile.State.choices)
    error_code = django_filters.CharFilter()
    audio_hash = django_filters.CharFilter()
    container = django_filters.CharFilter()
    sample_rate = IdFilter()
    channels = IdFilter()
    min_duration = django_filters.NumberFilter(field_name="duration", lookup_expr="gte")
    max_duration = django_filters.NumberFilter(field_name="duration", lookup_expr="lte")

    class Meta:
        model = AudioFile
        fields = ["library", "state", "error_code", "audio_hash", "container"]

    def filter_under(
        self, files: QuerySet[AudioFile], name: str, folder: str
    ) -> QuerySet[AudioFile]:
        """Keep the files below a folder."""
        assert isinstance(files, AudioFileQuerySet)
        return files.under(folder.rstrip("/"))
