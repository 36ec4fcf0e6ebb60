"""One machine, no servers: SQLite and all state under the data folder. The default."""

from __future__ import annotations

from pathlib import Path

from earmark.settings import env
from earmark.settings.base import *  # noqa: F403
from earmark.settings.base import DATA_DIR
from earmark.settings.secret import read_or_make_key

DEBUG = False
SECRET_KEY = read_or_make_key(DATA_DIR / "secret_key")
ALLOWED_HOSTS = env.read_words(
    "EARMARK_ALLOWED_HOSTS",
    default=["localhost", "127.0.0.1", "[::1]"],
    meaning="Host names, separated by commas, under which the web pages may be asked for.",
)
_url = env.declare(
    "EARMARK_DATABASE_URL",
    default="SQLite in the data folder",
    meaning="Database to use, such as postgresql://user:password@host:5432/earmark.",
)
DATABASES = {
    "default": env.parse_database_url(_url)
    if _url
    else env.sqlite_database(DATA_DIR / "earmark.sqlite3")
}

# On one's own machine one's home folder is a natural limit; servers must say what they hold.
EARMARK_LIBRARY_ROOTS = env.read_paths(
    "EARMARK_LIBRARY_ROOTS",
    default=[Path.home()],
    default_words="home folder; none in production",
    meaning="Folders, separated as in PATH, inside which libraries may be registered through the "
    "web. The command line may name any folder its user can read.",
)

# Nothing to collect before the first page can be shown.
WHITENOISE_USE_FINDERS = True
