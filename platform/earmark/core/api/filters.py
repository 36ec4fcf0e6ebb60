"""The base of all filters of lists, and filters that several need."""

from __future__ import annotations

from django import forms
from django_filters import rest_framework as django_filters

from earmark.core.database import LARGEST_INTEGER


class FilterSet(django_filters.FilterSet):  # type: ignore[misc]  # untyped base
    """A set of filters; a value that cannot be used is a 400 that names it."""


class IdFilter(django_filters.NumberFilter):  # type: ignore[misc]  # untyped base
    """The number of a thing: whole, and one that a database can hold."""

    field_class = forms.IntegerField

    def __init__(self, *args: object, **kwargs: object) -> None:
        super().__init__(*args, min_value=1, max_value=LARGEST_INTEGER, **kwargs)

    def get_max_validator(self) -> None:
        """None beside that of the field."""
