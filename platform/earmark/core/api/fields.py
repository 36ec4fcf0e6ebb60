"""Fields of requests that several apps need."""

from __future__ import annotations

from typing import Any

from rest_framework import serializers

HIGHEST_ID = 2**63 - 1


class IdField(serializers.IntegerField):
    """The number of a thing: one that a database can hold."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(min_value=1, max_value=HIGHEST_ID, **kwargs)
