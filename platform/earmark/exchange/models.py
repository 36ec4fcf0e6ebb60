"""The tables of this app, for Django to find."""

from earmark.exchange.bulk.models import BulkOperation

__all__ = ["BulkOperation"]
