"""What the names of files say is in them: a truth that no network had a part in.

It is weak: a name tells one sound of many and never all, so a score that names bear out half of
the time is right more often than that. And it is broad: four in ten clips of the corpus have a
name in which a label of AudioSet can be read.
"""

from __future__ import annotations

import csv
import json
import re
from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt

from earmark_plugin_api import Label

Truth = npt.NDArray[np.bool_]

_ENDINGS = (("ies", "y"), ("sses", "ss"), ("ing", ""), ("s", ""))


def read_names(folder: Path) -> list[str]:
    """Read the cleaned words of file and folder names from a corpus' manifest."""
    with (folder / "manifest.csv").open(newline="") as file:
        return [row["name_label"] for row in csv.DictReader(file)]


def name_truth(names: Sequence[str], labels: Sequence[Label], ontology: Path) -> Truth:
    """Tell which labels the names bear out.

    A label is borne out when all words of one of its alternatives ("Bee", "wasp") are in the
    name; so are then its ancestors, and the kinds of it, which the name does not deny.

    Parameters
    ----------
    names : sequence of str, length n
    labels : sequence of Label, length m
    ontology : Path
        AudioSet's ``ontology.json``.

    Returns
    -------
    ndarray of bool, shape (n, m)
    """
    related = _related(labels, ontology)
    return (said_labels(names, labels).astype(np.float32) @ related > 0).astype(np.bool_)


def said_labels(names: Sequence[str], labels: Sequence[Label]) -> Truth:
    """Tell which labels the names say in so many words; shapes as in `name_truth`."""
    alternatives = [_alternatives(label.name) for label in labels]
    said = np.zeros((len(names), len(labels)), np.bool_)
    for row, name in enumerate(names):
        words = set(_words(name))
        said[row] = [any(part <= words for part in parts) for parts in alternatives]
    return said


def _alternatives(name: str) -> list[set[str]]:
    plain = re.sub(r"\(.*?\)", "", name)
    parts = [set(_words(part)) for part in plain.split(",")]
    return [part for part in parts if part and part != {"etc"}]


def _words(text: str) -> list[str]:
    return [_stem(word) for word in re.findall(r"[a-z]+", text.lower())]


def _stem(word: str) -> str:
    for ending, instead in _ENDINGS:
        if word.endswith(ending) and len(word) > len(ending) + 2:
            return word[: -len(ending)] + instead
    return word


def _related(labels: Sequence[Label], ontology: Path) -> npt.NDArray[np.float32]:
    """Which labels are the same, an ancestor or a descendant of which: ``[m, m]`` of 0 and 1."""
    parents = defaultdict(set)
    for node in json.loads(ontology.read_text("utf-8")):
        for child in node["child_ids"]:
            parents[child].add(node["id"])
    index = {label.id: i for i, label in enumerate(labels)}
    related = np.eye(len(labels), dtype=np.float32)
    for label in labels:
        todo, seen = [label.id], {label.id}
        while todo:
            for parent in parents[todo.pop()] - seen:
                seen.add(parent)
                todo.append(parent)
        above = [index[mid] for mid in seen if mid in index]
        related[index[label.id], above] = 1
        related[above, index[label.id]] = 1
    return related
