"""Entry point of web servers (`uvicorn earmark.asgi:application`)."""

from __future__ import annotations

import os

from django.core.asgi import get_asgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "earmark.settings.single")

application = get_asgi_application()
