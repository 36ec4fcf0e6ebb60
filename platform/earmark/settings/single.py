"""One machine, no servers: SQLite and all state under the data folder. The default."""

from __future__ import annotations

from pathlib import Path

from earmark.settings import env, shared
from earmark.settings.base import *  # noqa: F403
from earmark.settings.base import DATA_DIR
from earmark.settings.secret import read_or_make_key

DEBUG = False
SECRET_KEY = read_or_make_key(DATA_DIR / "secret_key")
ALLOWED_HOSTS = shared.read_allowed_hosts(required=False)
DATABASES = {"default": shared.read_database(env.sqlite_database(DATA_DIR / "earmark.sqlite3"))}

# On one's own machine one's home folder is a natural limit; servers must say what they hold.
EARMARK_LIBRARY_ROOTS = shared.read_library_roots([Path.home()])

# Nothing to collect before the first page can be shown.
WHITENOISE_USE_FINDERS = True
