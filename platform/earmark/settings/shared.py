"""Variables that mean the same everywhere but have another default in each kind of installation."""

from __future__ import annotations

from pathlib import Path

from earmark.settings import env

_LOCALHOST = ["localhost", "127.0.0.1", "[::1]"]


def read_library_roots(default: list[Path]) -> list[Path]:
    """Return the folders inside which libraries may be registered through the web."""
    return env.read_paths(
        "EARMARK_LIBRARY_ROOTS",
        default=default,
        default_words="your home folder; in production none",
        meaning="Folders, separated as in `PATH`, inside which libraries may be registered through "
        "the web. The command line may name any folder its user can read.",
    )


def read_allowed_hosts(*, required: bool) -> list[str]:
    """Return the host names under which the web pages may be asked for."""
    name = "EARMARK_ALLOWED_HOSTS"
    words = "`localhost,127.0.0.1,[::1]`; required in production"
    meaning = "Host names, separated by commas, under which the web pages may be asked for."
    if required:
        env.read_required(name, default_words=words, meaning=meaning)
    return env.read_words(name, default=_LOCALHOST, default_words=words, meaning=meaning)


def read_database(default: dict[str, object] | None) -> dict[str, object]:
    """Return Django's settings of the database."""
    name = "EARMARK_DATABASE_URL"
    words = "SQLite in the data folder; required in production"
    meaning = (
        "Database to use, such as `postgresql://user:password@host:5432/earmark`; for web "
        "processes with `?pool=8` at its end, so that not every request connects anew."
    )
    if default is None:
        return env.parse_database_url(env.read_required(name, default_words=words, meaning=meaning))
    url = env.declare(name, default=words, meaning=meaning)
    return env.parse_database_url(url) if url else default
