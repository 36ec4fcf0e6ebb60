"""Which labels of a classifier stand for the classes of somebody's data. Pure.

A class of the data is matched with a label by its id or its name; upper and lower case, underscores
and hyphens, and "or" against a comma make no difference: ``Violin_or_fiddle`` is "Violin, fiddle".
What is called something else in the data is matched by a table the user gives.
"""

from __future__ import annotations

import csv
import difflib
import re
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt

from earmark_plugin_api import Label

Floats = npt.NDArray[np.float32]
Columns = dict[str, tuple[int, ...]]
"""Columns of the classifier for each class of the data, in the order of the classes.

None at all stands for what a detector, a classifier of one label, does not hear.
"""

_SEPARATORS = re.compile(r"[\s_-]+")
_LISTS = re.compile(r"\s*,\s*(?:or\s+)?")
_SHOWN = 10


class MappingError(Exception):
    """The classes of the data are not those of the classifier.

    Attributes
    ----------
    code : str
        ``labels_do_not_match`` or ``bad_label_table``.
    """

    def __init__(self, message: str, *, code: str) -> None:
        super().__init__(message)
        self.code = code


def fold(name: str) -> str:
    """Return what two spellings of one label have in common."""
    return _SEPARATORS.sub(" ", _LISTS.sub(" or ", name)).strip().casefold()


def read_label_table(path: Path) -> dict[str, tuple[str, ...]]:
    """Read a user's CSV file with the columns ``label`` (of the data) and ``means``.

    ``means`` is the id or name of a label of the classifier. Several rows for one class mean that
    each of these labels stands for it. An empty ``means`` leaves the class out of the evaluation.

    Raises
    ------
    MappingError
        If it cannot be read or lacks a column or a label.
    """
    found: defaultdict[str, list[str]] = defaultdict(list)
    try:
        with path.open(newline="", encoding="utf-8-sig") as file:
            rows = csv.DictReader(file, restval="")
            if not {"label", "means"} <= set(rows.fieldnames or ()):
                raise MappingError(
                    f"{path} needs a header with the columns label and means.",
                    code="bad_label_table",
                )
            for number, row in enumerate(rows, 2):
                label, means = (row["label"] or "").strip(), (row["means"] or "").strip()
                if not label:
                    raise MappingError(
                        f"{path}, row {number} has no label.", code="bad_label_table"
                    )
                found[fold(label)] += [means] if means else []
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise MappingError(f"{path} cannot be read: {error}.", code="bad_label_table") from error
    return {label: tuple(means) for label, means in found.items()}


def match_labels(
    classes: Sequence[str],
    labels: Sequence[Label],
    *,
    table: Mapping[str, Sequence[str]] | None = None,
    other_names: Mapping[str, Iterable[str]] | None = None,
) -> Columns:
    """Find the columns of a classifier for each class of the data.

    Parameters
    ----------
    classes : sequence of str
        Of the data.
    labels : sequence of Label
        Of the classifier, in the order of the columns.
    table : mapping, optional
        See `read_label_table`. Where it names labels of several classifiers for a class, those
        this classifier has count.
    other_names : mapping, optional
        More names by label id; a name of two labels is none.

    Returns
    -------
    dict
        Without the classes that `table` leaves out. Of two classes and a detector, a classifier
        of one label, the class that is not its label gets no columns: it is everything else.

    Raises
    ------
    MappingError
        If a class matches nothing, or two classes match the same labels; all of them are named.
    """
    known = _names(labels, other_names or {})
    columns: Columns = {}
    unmatched = []
    for name in classes:
        wanted = (table or {}).get(fold(name))
        if wanted is not None and not wanted:
            continue
        found = tuple(dict.fromkeys(known[fold(w)] for w in wanted or (name,) if fold(w) in known))
        if found:
            columns[name] = found
        else:
            unmatched.append(name)
    if len(labels) == len(columns) == len(unmatched) == 1:
        return {name: columns.get(name, ()) for name in classes if name in (*columns, *unmatched)}
    if unmatched:
        raise MappingError(_unmatched(unmatched, labels, known), code="labels_do_not_match")
    _require_distinct(columns, labels)
    return columns


def class_scores(scores: Floats, columns: Columns) -> Floats:
    """Turn scores of labels into scores of the data's classes: the highest that stands for it.

    What a detector does not hear has the score that is left to 1.

    Parameters
    ----------
    scores : ndarray of float32, shape (clips, labels)
    columns : mapping
        See `match_labels`.

    Returns
    -------
    ndarray of float32, shape (clips, classes)
    """
    result = np.empty((len(scores), len(columns)), np.float32)
    for place, found in enumerate(columns.values()):
        result[:, place] = scores[:, found].max(axis=1) if found else 1 - scores[:, 0]
    return result


def _names(labels: Sequence[Label], other_names: Mapping[str, Iterable[str]]) -> dict[str, int]:
    """Column by folded name; ids go before names, names before other names."""
    known: dict[str, int] = {}
    kinds = (
        lambda label: [label.id],
        lambda label: [label.name],
        lambda label: other_names.get(label.id, ()),
    )
    for kind in kinds:
        found: defaultdict[str, set[int]] = defaultdict(set)
        for column, label in enumerate(labels):
            for name in kind(label):
                found[fold(name)].add(column)
        for name, columns in found.items():
            if len(columns) == 1:
                known.setdefault(name, columns.pop())
    return known


def _unmatched(names: Sequence[str], labels: Sequence[Label], known: Mapping[str, int]) -> str:
    said = []
    for name in names[:_SHOWN]:
        near = difflib.get_close_matches(fold(name), known, n=2)
        hints = " or ".join(repr(labels[known[found]].name) for found in near)
        said.append(f"{name!r} (did you mean {hints}?)" if hints else repr(name))
    more = f" and {len(names) - _SHOWN} more" if len(names) > _SHOWN else ""
    return (
        f"The classifier has no label for these classes of the data: {', '.join(said)}{more}. "
        "Say what they mean in a CSV file with the columns label and means and give it with "
        "--labels; an empty means leaves a class out."
    )


def _require_distinct(columns: Columns, labels: Sequence[Label]) -> None:
    first: dict[frozenset[int], str] = {}
    for name, found in columns.items():
        other = first.setdefault(frozenset(found), name)
        if other != name:
            meant = " and ".join(repr(labels[column].name) for column in found)
            raise MappingError(
                f"The classes {other!r} and {name!r} are both {meant} to the classifier; give "
                "their sounds one class, or leave one out with --labels.",
                code="labels_do_not_match",
            )
