"""Entry point of the drop-in's web server (`uvicorn earmark.uploads.max.asgi:application`)."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import IO, Any

import django
from django.conf import settings
from django.core.handlers.asgi import ASGIHandler, ASGIRequest
from django.http.response import HttpResponseBase

from earmark.core.body_limits import BodyLimits

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "earmark.settings.single")


class MaxHandler(ASGIHandler):
    """Answers the addresses of the drop-in instead of Earmark's own."""

    def create_request(
        self, scope: Mapping[str, Any], body_file: IO[bytes]
    ) -> tuple[ASGIRequest, None] | tuple[None, HttpResponseBase]:
        """Say which addresses there are."""
        made = super().create_request(scope, body_file)
        if made[0] is not None:
            made[0].urlconf = "earmark.uploads.max.urls"
        return made


django.setup(set_prefix=False)
application = BodyLimits(
    MaxHandler(),
    max_bytes=settings.DATA_UPLOAD_MAX_MEMORY_SIZE,
    max_form_bytes=(settings.EARMARK_UPLOAD_MAX_MB + 1) << 20,
    max_seconds=settings.EARMARK_UPLOAD_RECEIVE_SECONDS,
)
