"""Import one plugin and tell on standard output what its manifest says, as JSON.

Run as ``python -m earmark.classifiers.inspection NAME TARGET FOLDER`` by the registry, in a process
that may die. Needs no Django.
"""

from __future__ import annotations

import json
import os
import sys
from dataclasses import asdict
from pathlib import Path
from typing import Any

from earmark.classifiers.registry import make_classifier
from earmark_plugin_api import (
    ChecksAvailability,
    Classifier,
    ClassifierError,
    InvalidManifestError,
    Manifest,
)


def inspect(name: str, target: str, folder: str) -> dict[str, Any]:
    """Return ``manifest``, ``code`` and ``message`` for one plugin.

    `folder` is where a trained classifier is, else empty. The manifest is None where the plugin
    is broken. One that is sound, but lacks something on this machine, has a manifest and a code.
    """
    try:
        made = make_classifier(target, folder)
        if not isinstance(made, Classifier):
            return _broken("not_a_classifier", f"{target} does not satisfy the contract.")
        manifest = made.manifest
        code, message = _lack(made)
    except ModuleNotFoundError as error:
        return _broken("missing_dependency", f"It needs {error.name}, which is not installed.")
    except InvalidManifestError as error:
        return _broken("invalid_manifest", str(error))
    except ClassifierError as error:
        return _broken(error.code, str(error))
    except Exception as error:  # noqa: BLE001 - a stranger's code may raise anything
        return _broken("import_failed", f"{type(error).__name__}: {error}")
    if not isinstance(manifest, Manifest):
        return _broken("invalid_manifest", f"Its manifest is a {type(manifest).__name__}.")
    if manifest.name != name:
        return _broken(
            "name_mismatch", f"Its manifest says {manifest.name!r}, its entry point {name!r}."
        )
    if folder and manifest.version != Path(folder).name:
        return _broken(
            "name_mismatch", f"Its manifest says {manifest.version}, its folder is {folder}."
        )
    return {"manifest": asdict(manifest), "code": code, "message": message}


def _lack(made: Classifier) -> tuple[str, str]:
    """Return code and message of what it needs and this machine has not, or empty texts."""
    if isinstance(made, ChecksAvailability):
        try:
            made.require_available()
        except ClassifierError as error:
            return error.code, str(error)
    return "", ""


def _broken(code: str, message: str) -> dict[str, Any]:
    return {"manifest": None, "code": code, "message": message}


def main() -> None:
    """Answer on the real standard output; whatever the plugin prints goes elsewhere."""
    answer = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)
    with answer:
        json.dump(inspect(sys.argv[1], sys.argv[2], sys.argv[3]), answer)


if __name__ == "__main__":
    main()
