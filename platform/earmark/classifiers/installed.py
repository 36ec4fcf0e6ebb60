"""Which classifiers were trained here: the folders ``<classifiers>/<name>/<version>``.

Only what the listing needs is read, and no backend is imported. The whole format is the
business of the backends (`earmark_classifiers.trained`).
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

DESCRIPTION_FILE = "classifier.json"

_VERSION = re.compile(r"(\d+)\.(\d+)\.(\d+)")


@dataclass(frozen=True)
class InstalledFolder:
    """The newest version of one trained classifier.

    Attributes
    ----------
    name, version : str
        As the folders are called.
    backend : str
        Name in the entry-point group ``earmark.trained_classifiers``; empty if unknown.
    path : Path
    problem : str
        Why nothing is known of it; empty if all is well.
    """

    name: str
    version: str
    backend: str
    path: Path
    problem: str = ""


def list_installed(root: Path) -> list[InstalledFolder]:
    """Return the newest version of each trained classifier below `root`, by name."""
    if not root.is_dir():
        return []
    found = []
    for folder in sorted(root.iterdir()):
        versions = list_versions(folder)
        if versions:
            found.append(_look_into(folder.name, versions[-1], folder / versions[-1]))
    return found


def list_versions(folder: Path) -> list[str]:
    """Return the versions a trained classifier has, oldest first."""
    return sorted(_versions(folder), key=_numbers)


def next_version(folder: Path) -> str:
    """Return the version that training a classifier again makes: 1.0.0, 1.1.0, 1.2.0 ..."""
    versions = list_versions(folder)
    if not versions:
        return "1.0.0"
    major, minor, _ = _numbers(versions[-1])
    return f"{major}.{minor + 1}.0"


def _versions(folder: Path) -> Iterator[str]:
    if folder.is_dir() and not folder.name.startswith("."):
        for entry in folder.iterdir():
            # What is being written has a name that starts with a dot.
            if entry.is_dir() and _VERSION.fullmatch(entry.name):
                yield entry.name


def _numbers(version: str) -> tuple[int, int, int]:
    major, minor, patch = (int(part) for part in version.split("."))
    return major, minor, patch


def _look_into(name: str, version: str, path: Path) -> InstalledFolder:
    try:
        backend = json.loads((path / DESCRIPTION_FILE).read_text("utf-8"))["backend"]
        if not isinstance(backend, str):
            raise TypeError(f"backend is {backend!r}")
    except (OSError, ValueError, KeyError, TypeError) as error:
        problem = (
            f"{path / DESCRIPTION_FILE} cannot be read ({type(error).__name__}: {error}); train "
            "it again or delete the folder."
        )
        return InstalledFolder(name, version, "", path, problem)
    return InstalledFolder(name, version, backend, path)
