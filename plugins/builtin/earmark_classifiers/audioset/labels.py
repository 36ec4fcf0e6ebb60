"""The vocabulary of AudioSet, which every network trained on all of it shares."""

from __future__ import annotations

import csv
from functools import cache
from importlib.resources import files

from earmark_plugin_api import Label


@cache
def read_labels() -> tuple[Label, ...]:
    """Return the 527 AudioSet labels in the order of the score columns."""
    text = files(__package__).joinpath("labels.csv").read_text("utf-8")
    return tuple(Label(row["mid"], row["name"]) for row in csv.DictReader(text.splitlines()))
