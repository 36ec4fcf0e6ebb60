"""Reads `EARMARK_*` environment variables, each declared once with its meaning.

The declarations are what ``docs/settings.md`` is checked against, so a variable read anywhere
else does not exist.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import parse_qsl, unquote, urlsplit

from django.core.exceptions import ImproperlyConfigured

_TRUE = frozenset({"1", "true", "yes", "on"})
_FALSE = frozenset({"0", "false", "no", "off"})


@dataclass(frozen=True)
class Variable:
    """An environment variable as people may set it.

    Attributes
    ----------
    name : str
        Such as ``EARMARK_DATA_DIR``.
    default : str
        What holds when it is not set, in words or as a value.
    meaning : str
        One sentence.
    """

    name: str
    default: str
    meaning: str


VARIABLES: dict[str, Variable] = {}
"""Every variable declared so far, by name."""


def declare(name: str, *, default: str, meaning: str) -> str:
    """Declare a variable and return its value, stripped; empty where it is not set."""
    VARIABLES[name] = Variable(name, default, meaning)
    return os.environ.get(name, "").strip()


def export(name: str, value: Path) -> Path:
    """Put a path into the environment of this process and its children, and return it.

    For variables that code reads which knows no settings: it finds the value that holds here,
    whether somebody set it or it is the default.
    """
    os.environ[name] = str(value)
    return value


def read_text(name: str, *, default: str, meaning: str) -> str:
    """Return the text of a variable, or its default."""
    return declare(name, default=default, meaning=meaning) or default


def read_path(name: str, *, default: Path, default_words: str, meaning: str) -> Path:
    """Return a folder as an absolute path; ``~`` is the home folder."""
    value = declare(name, default=default_words, meaning=meaning)
    return (Path(value).expanduser() if value else default).absolute()


def read_required(name: str, *, default_words: str, meaning: str) -> str:
    """Return the text of a variable that has no default here.

    Raises
    ------
    ImproperlyConfigured
        If it is not set.
    """
    value = declare(name, default=default_words, meaning=meaning)
    if not value:
        raise ImproperlyConfigured(f"{name} is not set. It is needed here: {meaning}")
    return value


def read_flag(name: str, *, default: bool, meaning: str) -> bool:
    """Return a yes-or-no variable.

    Raises
    ------
    ImproperlyConfigured
        If the value is neither.
    """
    value = declare(name, default="on" if default else "off", meaning=meaning).lower()
    if not value:
        return default
    if value in _TRUE or value in _FALSE:
        return value in _TRUE
    raise ImproperlyConfigured(f"{name} is {value!r}; write on or off.")


def read_number(name: str, *, default: int, meaning: str) -> int:
    """Return a whole number that is not negative.

    Raises
    ------
    ImproperlyConfigured
        If the value is no such number.
    """
    value = declare(name, default=str(default), meaning=meaning)
    if not value:
        return default
    if not value.isdecimal():
        raise ImproperlyConfigured(f"{name} is {value!r}; write a whole number such as {default}.")
    return int(value)


def read_paths(name: str, *, default: list[Path], default_words: str, meaning: str) -> list[Path]:
    """Return a list of folders, separated as in ``PATH``; ``~`` is the home folder."""
    value = declare(name, default=default_words, meaning=meaning)
    if not value:
        return default
    return [Path(part).expanduser() for part in value.split(os.pathsep) if part]


def read_words(name: str, *, default: list[str], default_words: str, meaning: str) -> list[str]:
    """Return a list of words separated by commas."""
    value = declare(name, default=default_words, meaning=meaning)
    return [word.strip() for word in value.split(",") if word.strip()] if value else default


def parse_database_url(url: str) -> dict[str, object]:
    """Turn ``postgresql://user:password@host:5432/name?option=value`` into Django's settings.

    ``sqlite:///absolute/path`` is understood too. An empty host means the local socket, and a
    socket's folder is given as ``?host=/folder``. With ``?pool=8`` a process keeps up to so many
    connections open between requests.

    Raises
    ------
    ImproperlyConfigured
        If the scheme is another, or no database is named.
    """
    parts = urlsplit(url)
    name = unquote(parts.path.removeprefix("/"))
    if parts.scheme == "sqlite":
        return sqlite_database(Path("/") / name)
    if parts.scheme not in {"postgres", "postgresql"} or not name:
        raise ImproperlyConfigured(
            "A database URL looks like postgresql://user:password@host:5432/name, "
            f"not {parts.scheme}://..."
        )
    options: dict[str, object] = dict(parse_qsl(parts.query))
    if size := str(options.pop("pool", "")):
        if not size.isdecimal() or not int(size):
            raise ImproperlyConfigured(f"pool={size} in a database URL: write a number, pool=8.")
        options["pool"] = {"min_size": 1, "max_size": int(size)}
    return {
        "ENGINE": "django.db.backends.postgresql",
        "NAME": name,
        "USER": unquote(parts.username or ""),
        "PASSWORD": unquote(parts.password or ""),
        "HOST": str(options.pop("host", "")) or unquote(parts.hostname or ""),
        "PORT": str(parts.port or ""),
        "CONN_HEALTH_CHECKS": True,
        "OPTIONS": options,
    }


def sqlite_database(path: Path) -> dict[str, object]:
    """Return Django's settings of a SQLite file that many processes may write to.

    WAL lets readers go on while one writes; IMMEDIATE takes the write lock at the start of a
    transaction, where waiting for it works (the default upgrades a read lock and fails at once).
    """
    return {
        "ENGINE": "django.db.backends.sqlite3",
        "NAME": path,
        "OPTIONS": {
            "timeout": 20,
            "transaction_mode": "IMMEDIATE",
            "init_command": (
                "PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL; PRAGMA foreign_keys=ON;"
            ),
        },
    }
