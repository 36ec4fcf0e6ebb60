"""The base of all filters of lists."""

from __future__ import annotations

from django_filters import rest_framework as django_filters


class FilterSet(django_filters.FilterSet):  # type: ignore[misc]  # untyped base
    """A set of filters; a value that cannot be used is a 400 that names it."""
