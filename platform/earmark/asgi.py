"""Entry point of web servers (`uvicorn earmark.asgi:application`)."""

from __future__ import annotations

import os

import django
from django.conf import settings

from earmark.core.asgi_handler import OneThreadHandler
from earmark.core.body_limits import BodyLimits

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "earmark.settings.single")

django.setup(set_prefix=False)
application = BodyLimits(
    OneThreadHandler(),
    max_bytes=settings.DATA_UPLOAD_MAX_MEMORY_SIZE,
    max_form_bytes=(settings.EARMARK_UPLOAD_MAX_MB + 1) << 20,
    max_seconds=settings.EARMARK_UPLOAD_RECEIVE_SECONDS,
)
