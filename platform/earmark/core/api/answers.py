"""Serializers that only answer, and do so often."""

from __future__ import annotations

from functools import cache
from typing import TypeVar

from django.db.models import Model
from django.utils.functional import cached_property
from rest_framework import serializers
from rest_framework.utils.serializer_helpers import BindingDict

M = TypeVar("M", bound=Model)


class AnswerSerializer(serializers.ModelSerializer[M]):
    """Rows of a model as they are answered, with fields that are made once for the class.

    REST framework makes them anew for each serializer, so for each request, which takes longer
    than filling them with a row. Not for fields that look at `self.context`: they have none.
    """

    @cached_property
    def fields(self) -> BindingDict:
        """Return the fields of the class."""
        return _make_fields(type(self))


@cache
def _make_fields(serializer: type[AnswerSerializer[M]]) -> BindingDict:
    return super(AnswerSerializer, serializer()).fields
