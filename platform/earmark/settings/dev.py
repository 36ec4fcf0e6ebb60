"""For work on Earmark itself: like `single`, with Django's error pages."""

from __future__ import annotations

from earmark.settings.single import *  # noqa: F403

DEBUG = True
