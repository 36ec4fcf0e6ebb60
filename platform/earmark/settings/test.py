"""For the test suite and the type checker: a throw-away database, no state in the data folder."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

from django.core.exceptions import ImproperlyConfigured

from earmark.settings import env
from earmark.settings.base import *  # noqa: F403

DEBUG = False
SECRET_KEY = "for tests only"  # noqa: S105
ALLOWED_HOSTS = ["testserver", "localhost", "127.0.0.1"]
PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
WHITENOISE_USE_FINDERS = True
EARMARK_LIBRARY_ROOTS: list[Path] = []
EARMARK_SETTLE_SECONDS = 0
EARMARK_API_REQUESTS_PER_MINUTE = 0
EARMARK_API_ANONYMOUS_REQUESTS_PER_MINUTE = 0
# What a developer trained in the checkout must not change what tests see.
EARMARK_CLASSIFIERS_DIR = Path(tempfile.gettempdir()) / "earmark-unused-classifiers"

_kind = env.read_text(
    "EARMARK_TEST_DATABASE",
    default="sqlite",
    meaning="Which database the tests run on: `sqlite` or `postgres`.",
)
_url = env.declare(
    "EARMARK_TEST_DATABASE_URL",
    default="found or started by `make test`",
    meaning="PostgreSQL server the tests may make databases on.",
)
_database: dict[str, Any]
if _kind == "sqlite":
    # A file and not memory: tests start further processes on the same database.
    # tests/conftest.py puts it into a folder of the test run.
    _database = env.sqlite_database(Path(tempfile.gettempdir()) / "earmark-unused.sqlite3")
elif _kind == "postgres" and _url:
    _database = env.parse_database_url(_url)
else:
    raise ImproperlyConfigured(
        "Set EARMARK_TEST_DATABASE to sqlite, or to postgres together with "
        "EARMARK_TEST_DATABASE_URL. `make test` finds or starts a PostgreSQL by itself."
    )
DATABASES = {"default": _database}
