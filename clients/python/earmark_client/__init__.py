"""A client of Earmark's REST API.

>>> from earmark_client import Earmark
>>> with Earmark("http://localhost:8000", token="em_...") as earmark:
...     for file in earmark.search("rain on tent"):
...         print(file["path"])
"""

from earmark_client.client import Earmark
from earmark_client.errors import (
    EarmarkConnectionError,
    EarmarkError,
    EarmarkHttpError,
    NotAllowedError,
    NotFoundError,
    NotSignedInError,
    PreconditionFailedError,
    RateLimitedError,
    ServerError,
)
from earmark_client.events import ServerEvent
from earmark_client.tables import restore_cell
from earmark_client.webhooks import InvalidSignatureError, verify

__all__ = [
    "Earmark",
    "EarmarkConnectionError",
    "EarmarkError",
    "EarmarkHttpError",
    "InvalidSignatureError",
    "NotAllowedError",
    "NotFoundError",
    "NotSignedInError",
    "PreconditionFailedError",
    "RateLimitedError",
    "ServerError",
    "ServerEvent",
    "restore_cell",
    "verify",
]
