"""Where the weights are that do not come with Earmark: fetched by ``earmark models pull``."""

from __future__ import annotations

import os
from pathlib import Path

from earmark_plugin_api import WeightsMissingError

MODELS_DIR = "EARMARK_MODELS_DIR"
"""Environment variable with the folder of fetched weights.

The platform decides where that is (its settings hold the one default) and exports it to all its
processes; in a notebook one sets it oneself.
"""


class WeightsUnusableError(WeightsMissingError):
    """There is a file where the weights should be, but it is not what was published."""

    code = "weights_unusable"


def find_weights(classifier: str, file_name: str, variable: str | None = None) -> Path:
    """Return the path of a weights file that is there.

    Parameters
    ----------
    classifier : str
        Name of the classifier, as ``earmark models pull`` takes it.
    file_name : str
        Name under which the file was published.
    variable : str, optional
        Environment variable that may name another folder, or a file in it.

    Raises
    ------
    WeightsMissingError
        With the one command that gets it.
    """
    remedy = f"`earmark models pull {classifier}` gets it"
    given = os.environ.get(variable, "").strip() if variable else ""
    folder = os.environ.get(MODELS_DIR, "").strip()
    if given:
        place = Path(given).expanduser()
        path = (place if place.is_dir() else place.parent) / file_name
    elif folder:
        path = Path(folder).expanduser() / file_name
    else:
        raise WeightsMissingError(
            f"{file_name} cannot be looked for: {MODELS_DIR} is not set. Earmark's own commands "
            f"set it; elsewhere set it to the folder of fetched weights. {remedy}."
        )
    if not path.is_file():
        raise WeightsMissingError(f"{file_name} is not in {path.parent}; {remedy}.")
    return path
