"""Addresses of databases, read."""

from __future__ import annotations

import pytest
from django.core.exceptions import ImproperlyConfigured

from earmark.settings.env import parse_database_url


def test_connections_are_kept_only_where_a_pool_is_asked_for():
    plain = parse_database_url("postgresql://me@host:5432/earmark?connect_timeout=3")
    pooled = parse_database_url("postgresql://me@host:5432/earmark?pool=8")

    assert plain["OPTIONS"] == {"connect_timeout": "3"}
    assert pooled["OPTIONS"] == {"pool": {"min_size": 1, "max_size": 8}}


@pytest.mark.parametrize("size", ["0", "many", "-1"])
def test_a_pool_of_no_size_is_refused(size: str):
    with pytest.raises(ImproperlyConfigured, match="pool="):
        parse_database_url(f"postgresql://me@host/earmark?pool={size}")
