"""What may be asked, checked."""

from __future__ import annotations

import math
from functools import cache
from typing import Any

from django.db.models import QuerySet
from django.http import QueryDict
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers
from rest_framework.utils.html import is_html_input

from earmark.core.api.pagination import ApiCursorPagination
from earmark.core.database import LARGEST_INTEGER
from earmark.library.access import Asker
from earmark.library.models import AudioFile, Library
from earmark.search.api.values import FIELDS
from earmark.search.selectors import Filters, Request, Sort, TagFilter
from earmark.search.selectors.facets import FACETS

MAX_VALUES = 50
_LONGEST_QUERY = 500
_LONGEST_VALUE = 1000
_LONGEST_SOUND = 10**9


class CommaSeparated(serializers.ListField):
    """Values separated by commas, or the parameter several times; in JSON a list."""

    def get_value(self, dictionary: Any) -> Any:
        """Take the values apart."""
        if not is_html_input(dictionary):
            return super().get_value(dictionary)
        if self.field_name not in dictionary:
            return serializers.empty
        given = dictionary.getlist(self.field_name)
        return [part.strip() for text in given for part in text.split(",") if part.strip()]


class Repeated(serializers.ListField):
    """The parameter several times: values may hold commas; in JSON a list."""

    def get_value(self, dictionary: Any) -> Any:
        """Take all."""
        if not is_html_input(dictionary):
            return super().get_value(dictionary)
        if self.field_name not in dictionary:
            return serializers.empty
        return [text for text in dictionary.getlist(self.field_name) if text]


@extend_schema_field(OpenApiTypes.STR)
class TagFilterField(serializers.Field[TagFilter, str, str, TagFilter]):
    """``Rain`` or ``Rain:0.8``: a tag, and the least confidence it must have."""

    def to_internal_value(self, data: str) -> TagFilter:
        """Read it."""
        return TagFilter.parse(_TAG.run_validation(data))

    def to_representation(self, value: TagFilter) -> str:
        """Write it as it is read."""
        return value.as_text()


_TAG = serializers.CharField(max_length=_LONGEST_VALUE, trim_whitespace=False)


class SecondsField(serializers.FloatField):
    """A length of sound."""

    def __init__(self) -> None:
        super().__init__(required=False, min_value=0, max_value=_LONGEST_SOUND)

    def to_internal_value(self, data: Any) -> float:
        """Read it; what is no number is less than nothing and passes every bound."""
        seconds = super().to_internal_value(data)
        if math.isnan(seconds):
            self.fail("invalid")
        return seconds


def _words(**options: Any) -> CommaSeparated:
    child = serializers.CharField(max_length=_LONGEST_VALUE)
    return CommaSeparated(child=child, required=False, max_length=MAX_VALUES, **options)


def _numbers(most: int, **options: Any) -> CommaSeparated:
    child = serializers.IntegerField(min_value=0, max_value=most)
    return CommaSeparated(child=child, required=False, max_length=MAX_VALUES, **options)


class SearchFilterInput(serializers.Serializer[Any]):
    """Words and filters: what a file must be like."""

    q = serializers.CharField(
        required=False,
        allow_blank=True,
        max_length=_LONGEST_QUERY,
        help_text='Words, all of which have to be there; "in this order", -not, one OR other. The '
        "last word may go on.",
    )
    folder = serializers.CharField(
        required=False,
        max_length=4096,
        help_text="A folder, relative to its library; those below it count.",
    )
    tag = Repeated(
        child=TagFilterField(),
        required=False,
        max_length=10,
        help_text="A tag that has to be there, with `Rain:0.8` the least confidence (0 to 1; any "
        "other colon belongs to the tag); several times for several tags.",
    )
    category = _words(help_text="UCS categories, such as `DOORS`.")
    catid = _words(help_text="UCS CatIDs, such as `DOORWood`.")
    container = _words(help_text="Such as `wav`.")
    channels = _numbers(32767)
    sample_rate = _numbers(2**31 - 1, help_text="Hertz.")
    state = CommaSeparated(
        child=serializers.ChoiceField(AudioFile.State.choices),
        required=False,
        max_length=4,
        help_text="Without it, files that are gone or left out are not found.",
    )
    model = _words(help_text="Classifiers the tags rest on, `audioset` or `audioset@1.1.0`.")
    duration_min = SecondsField()
    duration_max = SecondsField()


class SearchInput(SearchFilterInput):
    """Words, filters, order."""

    library = _numbers(LARGEST_INTEGER, help_text="Ids of libraries.")
    sort = serializers.ChoiceField(
        [(sort.value, sort.value) for sort in Sort],
        required=False,
        help_text="By default `relevance` if there are words, else `-date`.",
    )
    cursor = serializers.CharField(
        required=False, max_length=1000, help_text="Where the page starts: take it from `next`."
    )
    page_size = serializers.IntegerField(
        required=False,
        min_value=1,
        max_value=ApiCursorPagination.max_page_size,
        default=ApiCursorPagination.page_size,
    )
    fields = CommaSeparated(  # type: ignore[assignment]
        child=serializers.ChoiceField([(name, name) for name in FIELDS]),
        required=False,
        help_text="What to tell about each file; by default everything.",
    )
    facets = CommaSeparated(
        child=serializers.ChoiceField([(name, name) for name in FACETS]),
        required=False,
        help_text="What to count the found files by.",
    )


def read_query(serializer: type[serializers.Serializer[Any]], query: QueryDict) -> dict[str, Any]:
    """Return the parameters of an address, checked.

    Raises
    ------
    rest_framework.exceptions.ValidationError
        If one is not as it has to be.
    """
    values: dict[str, Any] = _checker(serializer).run_validation(query)
    return values


@cache
def _checker(serializer: type[serializers.Serializer[Any]]) -> serializers.Serializer[Any]:
    """Return a serializer that is used for every request: making its fields takes milliseconds."""
    return serializer()


def filters_of(
    values: dict[str, Any], visible: tuple[int, ...] | None, libraries: tuple[int, ...] = ()
) -> Filters:
    """Return the filters that checked values of `SearchFilterInput` name, in some libraries."""
    return Filters(
        visible=visible,
        libraries=libraries,
        folder=values.get("folder", ""),
        tags=tuple(values.get("tag", ())),
        categories=tuple(values.get("category", ())),
        catids=tuple(values.get("catid", ())),
        containers=tuple(values.get("container", ())),
        channels=tuple(values.get("channels", ())),
        sample_rates=tuple(values.get("sample_rate", ())),
        states=tuple(values.get("state", ())),
        models=tuple(values.get("model", ())),
        duration_min=values.get("duration_min"),
        duration_max=values.get("duration_max"),
    )


def request_of(values: dict[str, Any], visible: tuple[int, ...] | None) -> Request:
    """Return the search that checked parameters of `SearchInput` ask for."""
    filters = filters_of(values, visible, tuple(values.get("library", ())))
    sort = Sort(values["sort"]) if values.get("sort") else None
    return Request(
        values.get("q", ""), filters, sort, values.get("cursor", ""), values["page_size"]
    )


def visible_ids(user: Asker, libraries: QuerySet[Library]) -> tuple[int, ...] | None:
    """Return the ids of the libraries somebody may see; None for who sees them all."""
    if user.is_superuser:
        return None
    return tuple(libraries.order_by("pk").values_list("pk", flat=True))
