"""Fields of requests that several apps need."""

from __future__ import annotations

from typing import Any

from rest_framework import serializers

from earmark.core.database import LARGEST_INTEGER


class IdField(serializers.IntegerField):
    """The number of a thing: one that a database can hold."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(min_value=1, max_value=LARGEST_INTEGER, **kwargs)
