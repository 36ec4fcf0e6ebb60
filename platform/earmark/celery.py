"""The Celery application: ``celery -A earmark worker``, ``celery -A earmark beat``.

The tasks are in `earmark_workers.tasks`; the platform knows them by their names only.
"""

from __future__ import annotations

import os

from celery import Celery
from django.conf import settings

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "earmark.settings.single")

app = Celery("earmark")
app.config_from_object(settings.CELERY)
app.autodiscover_tasks()
