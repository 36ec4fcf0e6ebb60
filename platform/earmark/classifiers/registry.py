"""Which classifiers are installed: the entry points of the group `earmark.classifiers`, and the
folders of those that were trained here.

Reading entry points and folders imports nothing, so the web process may do it. What a plugin says
about itself is asked for in a process of its own (`earmark.classifiers.inspection`), since a
plugin may take long to import, print, crash or fill the memory.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections import Counter
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from importlib.metadata import EntryPoint, entry_points
from pathlib import Path
from typing import Any, cast

from earmark.classifiers.errors import ClassifierUnavailableError
from earmark.classifiers.installed import InstalledFolder, list_installed
from earmark_plugin_api import Classifier

GROUP = "earmark.classifiers"
TRAINED_GROUP = "earmark.trained_classifiers"
"""Backends whose classifiers can be trained: classes with ``from_folder(folder: Path)``."""

INSPECTION_TIMEOUT_S = 60.0


@dataclass(frozen=True)
class Plugin:
    """A classifier as its distribution or its folder announces it, not yet imported.

    Attributes
    ----------
    name : str
        Name of the entry point; the manifest must say the same.
    target : str
        ``package.module:Class``.
    distribution : str
        Name and version of the distribution it came with, such as ``earmark 0.1.0``, or that it
        was trained here.
    folder : str
        Where a trained classifier is; empty for one that comes as code.
    problem : str
        Why it cannot even be asked; empty if it can.
    """

    name: str
    target: str
    distribution: str
    folder: str = ""
    problem: str = ""


@dataclass(frozen=True)
class Inspection:
    """What a plugin said about itself when asked.

    Attributes
    ----------
    plugin : Plugin
    manifest : mapping or None
        Its manifest as plain values; None if it is broken.
    code, message : str
        Why it cannot be used; empty if it can.
    """

    plugin: Plugin
    manifest: Mapping[str, Any] | None
    code: str = ""
    message: str = ""

    @property
    def usable(self) -> bool:
        """Whether the plugin can be used."""
        return self.manifest is not None and not self.code


def list_plugins() -> list[Plugin]:
    """Return the announced and the trained classifiers by name, without importing any of them.

    Of one that was trained several times the newest version counts.
    """
    # Worker processes import this module for `make_classifier`, and they know no Django.
    from django.conf import settings

    announced = [_describe(entry) for entry in entry_points(group=GROUP)]
    trained = [
        _describe_trained(found) for found in list_installed(settings.EARMARK_CLASSIFIERS_DIR)
    ]
    return sorted([*announced, *trained], key=lambda plugin: (plugin.name, plugin.target))


def inspect_plugins(
    plugins: Sequence[Plugin], *, timeout_s: float = INSPECTION_TIMEOUT_S
) -> list[Inspection]:
    """Ask plugins for their manifests, each in a process of its own.

    Whatever one of them does, the others are heard.
    """
    names = Counter(plugin.name for plugin in plugins)

    def inspect(plugin: Plugin) -> Inspection:
        if names[plugin.name] > 1:
            return Inspection(
                plugin,
                None,
                "duplicate_name",
                f"{names[plugin.name]} installed distributions or trained classifiers have this "
                "name; remove all but one.",
            )
        if plugin.problem:
            return Inspection(plugin, None, "trained_folder_unusable", plugin.problem)
        return _inspect(plugin, timeout_s)

    with ThreadPoolExecutor(max_workers=os.cpu_count()) as pool:
        return list(pool.map(inspect, plugins))


def make_classifier(target: str, folder: str = "") -> Classifier:
    """Import a classifier and make an instance, not loaded yet. For worker processes.

    Parameters
    ----------
    target : str
        ``package.module:Class``, see `Plugin`.
    folder : str
        Where a trained classifier is; empty for one that comes as code.
    """
    found = EntryPoint(name="", value=target, group=GROUP).load()
    return cast(Classifier, found.from_folder(Path(folder)) if folder else found())


def get_plugin(name: str) -> Plugin:
    """Return the announced classifier of a name.

    Raises
    ------
    ClassifierUnavailableError
        If there is none, or more than one.
    """
    found = [plugin for plugin in list_plugins() if plugin.name == name]
    if len(found) == 1:
        return found[0]
    if found:
        raise ClassifierUnavailableError(f"There are {len(found)} classifiers named {name!r}.")
    raise ClassifierUnavailableError(f"There is no classifier named {name!r}.")


def _describe(entry: EntryPoint) -> Plugin:
    distribution = f"{entry.dist.name} {entry.dist.version}" if entry.dist else ""
    return Plugin(name=entry.name, target=entry.value, distribution=distribution)


def _describe_trained(found: InstalledFolder) -> Plugin:
    backends = {entry.name: entry.value for entry in entry_points(group=TRAINED_GROUP)}
    problem = found.problem
    if not problem and found.backend not in backends:
        problem = f"Its backend {found.backend!r} is not installed."
    return Plugin(
        name=found.name,
        target=backends.get(found.backend, ""),
        distribution="trained here",
        folder=str(found.path),
        problem=problem,
    )


def _inspect(plugin: Plugin, timeout_s: float) -> Inspection:
    module = "earmark.classifiers.inspection"
    command = [sys.executable, "-m", module, plugin.name, plugin.target, plugin.folder]
    try:
        done = subprocess.run(  # noqa: S603 - our own interpreter and module
            command, capture_output=True, stdin=subprocess.DEVNULL, timeout=timeout_s, check=False
        )
    except subprocess.TimeoutExpired:
        return Inspection(
            plugin,
            None,
            "inspection_timeout",
            f"It did not say what it is within {timeout_s:g} s; tell its authors.",
        )
    try:
        told = json.loads(done.stdout)
        return Inspection(plugin, told["manifest"], told["code"], told["message"])
    except (ValueError, KeyError, TypeError):
        last = done.stderr.decode("utf-8", "replace").strip().rpartition("\n")[2]
        return Inspection(
            plugin,
            None,
            "inspection_crashed",
            f"It ended its process (status {done.returncode}) when imported. {last}".strip(),
        )
