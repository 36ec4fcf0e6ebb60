"""Which classifiers are installed: the entry points of the group `earmark.classifiers`.

Reading entry points imports nothing, so the web process may do it. What a plugin says about
itself is asked for in a process of its own (`earmark.classifiers.inspection`), since a plugin
may take long to import, print, crash or fill the memory.
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
from typing import Any, cast

from earmark.classifiers.errors import ClassifierUnavailableError
from earmark_plugin_api import Classifier

GROUP = "earmark.classifiers"
INSPECTION_TIMEOUT_S = 60.0


@dataclass(frozen=True)
class Plugin:
    """A classifier as its distribution announces it, not yet imported.

    Attributes
    ----------
    name : str
        Name of the entry point; the manifest must say the same.
    target : str
        ``package.module:Class``.
    distribution : str
        Name and version of the distribution it came with, such as ``earmark 0.1.0``.
    """

    name: str
    target: str
    distribution: str


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
    """Return the announced classifiers, sorted by name, without importing any of them."""
    return sorted(
        (_describe(entry) for entry in entry_points(group=GROUP)),
        key=lambda plugin: (plugin.name, plugin.target),
    )


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
                f"{names[plugin.name]} installed distributions offer a classifier of this name; "
                "uninstall all but one.",
            )
        return _inspect(plugin, timeout_s)

    with ThreadPoolExecutor(max_workers=os.cpu_count()) as pool:
        return list(pool.map(inspect, plugins))


def make_classifier(target: str) -> Classifier:
    """Import a classifier and make an instance, not loaded yet. For worker processes.

    Parameters
    ----------
    target : str
        ``package.module:Class``, see `Plugin`.
    """
    made = EntryPoint(name="", value=target, group=GROUP).load()()
    return cast(Classifier, made)


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


def _inspect(plugin: Plugin, timeout_s: float) -> Inspection:
    command = [sys.executable, "-m", "earmark.classifiers.inspection", plugin.name, plugin.target]
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
