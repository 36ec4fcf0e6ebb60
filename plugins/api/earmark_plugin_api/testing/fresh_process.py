"""What a classifier looks like in a new Python process that has imported nothing else.

`look_at` starts the process and `main` runs in it: it imports the module, makes an instance, reads
its manifest and writes one JSON object to standard output.
"""

from __future__ import annotations

import functools
import importlib
import json
import os
import subprocess
import sys
import tracemalloc
from dataclasses import asdict, dataclass
from pathlib import Path

from earmark_plugin_api.testing.outcome import CheckDoesNotApplyError, CheckFailedError, Factory

TIMEOUT_S = 120

_START = f"import sys; from {__name__} import main; main(*sys.argv[1:])"


@dataclass(frozen=True)
class FirstSight:
    """What was seen before `load`.

    Attributes
    ----------
    modules : list of str
        Top-level packages in memory after import, construction and reading the manifest.
    bytes_allocated : int
        Peak of what construction and manifest took.
    label_ids : list of str
        In the manifest's order.
    """

    modules: list[str]
    bytes_allocated: int
    label_ids: list[str]


def look_at(factory: Factory, hash_seed: int = 0) -> FirstSight:
    """Make an instance in a new process whose string hashes depend on `hash_seed`.

    Raises
    ------
    CheckDoesNotApplyError
        If `factory` cannot be imported by its name.
    CheckFailedError
        If import or construction fail there.
    """
    module, name = _importable_name(factory)
    paths = [entry or str(Path.cwd()) for entry in sys.path]
    environment = os.environ | {
        "PYTHONPATH": os.pathsep.join(paths),
        "PYTHONHASHSEED": str(hash_seed),
    }
    command = [sys.executable, "-c", _START, module, name]
    done = subprocess.run(  # noqa: S603 - our own module, with a name we found by import
        command, env=environment, capture_output=True, text=True, timeout=TIMEOUT_S, check=False
    )
    if done.returncode != 0:
        raise CheckFailedError(
            f"{module}:{name} could not be made in a new process:\n{done.stderr.strip()}\n",
            "The module must be importable, and the class callable without arguments, before "
            "anything else was imported.",
        )
    return FirstSight(**json.loads(done.stdout.splitlines()[-1]))


def _importable_name(factory: Factory) -> tuple[str, str]:
    module = getattr(factory, "__module__", None)
    name = getattr(factory, "__qualname__", None)
    if module in (None, "__main__") or name is None or "<" in name:
        raise CheckDoesNotApplyError(
            f"{factory!r} cannot be imported by name in a new process; pass a class or function "
            "at the top of a module to have this checked"
        )
    return str(module), str(name)


def main(module: str, name: str) -> None:
    """Describe the classifier ``module:name`` on standard output."""
    factory: Factory = functools.reduce(getattr, name.split("."), importlib.import_module(module))  # type: ignore[assignment]
    tracemalloc.start()
    manifest = factory().manifest
    _, peak = tracemalloc.get_traced_memory()
    sight = FirstSight(
        modules=sorted({entry.partition(".")[0] for entry in sys.modules}),
        bytes_allocated=peak,
        label_ids=[label.id for label in manifest.labels],
    )
    sys.stdout.write("\n" + json.dumps(asdict(sight)) + "\n")
