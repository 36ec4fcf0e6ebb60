"""Where the words of the index are kept, and how they are searched: one module a database."""

from __future__ import annotations

from django.db import connection

from earmark.search.backends.base import SearchBackend, Tier, Wanted
from earmark.search.backends.postgres import PostgresBackend
from earmark.search.backends.sqlite import SqliteBackend

__all__ = ["SearchBackend", "Tier", "Wanted", "search_backend"]


def search_backend() -> SearchBackend:
    """Return the backend of the database in use."""
    return SqliteBackend() if connection.vendor == "sqlite" else PostgresBackend()
