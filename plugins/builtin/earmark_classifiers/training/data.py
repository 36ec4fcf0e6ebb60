"""Which sounds have which labels, and which of them are kept back to try what was learnt.

Nothing here opens a sound; see `earmark_classifiers.training.sounds`.
"""

from __future__ import annotations

import os
import unicodedata
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from earmark_classifiers.training.errors import (
    BadClassNameError,
    DataNotFoundError,
    DuplicateClassError,
    EmptyClassError,
    OneClassError,
    TooFewSoundsError,
)
from earmark_classifiers.training.groups import group_copies
from earmark_classifiers.training.tables import TableRow, read_table
from earmark_files.errors import AudioFileError
from earmark_files.paths import display
from earmark_files.walk import walk

TRAIN, VALIDATION = "train", "val"

NO_CLASS = ""
"""Stands for the sounds of none of the classes where data are split; no class has that name."""


@dataclass(frozen=True)
class LabelledClip:
    """One sound file and what is in it.

    Attributes
    ----------
    path : Path
    labels : tuple of str
        Names of its classes, usually one; none for a sound that is of none of them.
    group : str
        Clips of one group are never on both sides of a split: excerpts of one recording.
    split : str
        ``train`` or ``val`` where the data say so, else empty.
    """

    path: Path
    labels: tuple[str, ...]
    group: str
    split: str = ""


@dataclass(frozen=True)
class Dataset:
    """Labelled sounds.

    Attributes
    ----------
    labels : tuple of str
        Class names as people wrote them, sorted; the order of the score columns.
    clips : tuple of LabelledClip
    """

    labels: tuple[str, ...]
    clips: tuple[LabelledClip, ...]

    def counts(self) -> dict[str, int]:
        """Return how many clips each class has."""
        found = Counter(label for clip in self.clips for label in clip.labels)
        return {label: found[label] for label in self.labels}

    def without(self, paths: Iterable[Path]) -> Dataset:
        """Return the data without some files; the classes stay."""
        gone = set(paths)
        return replace(self, clips=tuple(clip for clip in self.clips if clip.path not in gone))


@dataclass(frozen=True)
class Split:
    """What is learnt from and what it is tried on."""

    train: tuple[LabelledClip, ...]
    validation: tuple[LabelledClip, ...]


def read_dataset(source: Path, *, negatives: bool = False) -> Dataset:
    """Read training data.

    Parameters
    ----------
    source : Path
        Either a folder with one folder a class, whose name is the class and whose sounds (at any
        depth) are of it. Or a CSV file with a header and the columns ``path`` (relative to the
        file) and ``label``, and if wanted ``split`` (``train``, ``val``) and ``group``; a path in
        several rows has several labels.
    negatives : bool
        Whether a table may have sounds of none of the classes: with an empty label.

    Returns
    -------
    Dataset
        Clips sorted by path. Without a group of its own a file is its own group; files with the
        same bytes are one group.

    Raises
    ------
    DataError
        One of its kinds, with a sentence that names the class, folder or line.
    """
    if source.is_dir():
        labels, clips = _read_folders(source)
    elif source.is_file():
        labels, clips = _read_rows(read_table(source, negatives=negatives))
    else:
        raise DataNotFoundError(f"There is no folder or CSV file {display(source)}.")
    _require_classes(labels, source)
    return Dataset(tuple(sorted(labels)), tuple(group_copies(clips)))


def stratified_split(dataset: Dataset, validation: float = 0.2, seed: int = 0) -> Split:
    """Keep part of every class back for validation.

    Where the data say themselves what is for validation, they are believed.

    Parameters
    ----------
    dataset : Dataset
    validation : float
        Share of the groups of each class, in (0, 1); at least one group, and one is left.
    seed : int
        The same seed splits the same data alike.

    Raises
    ------
    TooFewSoundsError
        If a class has nothing to learn from, or less than two groups and no given split.
    """
    if any(clip.split for clip in dataset.clips):
        return _given_split(dataset)
    held_back: set[str] = set()
    for members in _groups_by_class(dataset, at_least=2, seed=seed).values():
        wanted = min(max(1, round(validation * len(members))), len(members) - 1)
        # A group with several classes may have been chosen for another one already.
        chosen = sum(group in held_back for group in members)
        for group in members:
            if chosen >= wanted:
                break
            if group not in held_back:
                held_back.add(group)
                chosen += 1
    return _cut(dataset, held_back)


def stratified_folds(dataset: Dataset, folds: int = 5, seed: int = 0) -> list[Split]:
    """Cut the data so that every clip is in exactly one validation part.

    Any split the data come with is ignored.

    Parameters
    ----------
    dataset : Dataset
    folds : int
        2 or more. A class with fewer groups than folds is missing from some validation parts.
    seed : int

    Raises
    ------
    TooFewSoundsError
        If a class has less than two groups.
    """
    if folds < 2:
        raise ValueError(f"{folds} folds cannot be made; ask for 2 or more")
    place: dict[str, int] = {}
    total: Counter[int] = Counter()
    for members in _groups_by_class(dataset, at_least=2, seed=seed).values():
        sizes = Counter(place[group] for group in members if group in place)
        for group in members:
            if group not in place:
                place[group] = min(range(folds), key=lambda fold: (sizes[fold], total[fold]))
                sizes[place[group]] += 1
                total[place[group]] += 1
    return [
        _cut(dataset, {group for group, where in place.items() if where == fold})
        for fold in range(folds)
    ]


def _read_folders(source: Path) -> tuple[set[str], list[LabelledClip]]:
    entries = sorted(os.scandir(source), key=lambda entry: entry.name)
    folders = [entry for entry in entries if entry.is_dir() and not entry.name.startswith(".")]
    if not folders:
        raise EmptyClassError(
            f"{display(source)} holds no folders; put the sounds of each class into a folder of "
            "its own, named like the class."
        )
    clips = []
    labels = set()
    empty = []
    for folder in folders:
        label = _class_name(display(folder.name))
        try:
            found = [item for item in walk(folder.path) if item.problem is None]
        except AudioFileError as error:
            raise DataNotFoundError(f"{display(folder.path)}: {error.message}") from error
        if not found:
            empty.append(label)
        if label in labels:
            raise _duplicate(label, label)
        labels.add(label)
        for item in found:
            path = Path(os.fsdecode(item.path))
            clips.append(LabelledClip(path, (label,), group=str(path)))
    if empty:
        raise EmptyClassError(
            f"There are no sound files in {_listed(empty)}; add some or remove the folder."
        )
    return labels, clips


def _read_rows(rows: Sequence[TableRow]) -> tuple[set[str], list[LabelledClip]]:
    by_path: dict[Path, LabelledClip] = {}
    for row in rows:
        labels = (_class_name(row.label),) if row.label else ()
        known = by_path.get(row.path)
        if known is None:
            group = row.group or str(row.path)
            by_path[row.path] = LabelledClip(row.path, labels, group, row.split)
        else:
            new = tuple(label for label in labels if label not in known.labels)
            by_path[row.path] = replace(known, labels=(*known.labels, *new))
    clips = [by_path[path] for path in sorted(by_path)]
    return {label for clip in clips for label in clip.labels}, clips


def _class_name(text: str) -> str:
    name = unicodedata.normalize("NFC", text).strip()
    if not name or not name.isprintable():
        raise BadClassNameError(f"{text!r} is no name for a class; use letters people can read.")
    return name


def _require_classes(labels: set[str], source: Path) -> None:
    if len(labels) < 2:
        raise OneClassError(
            f"{display(source)} has {len(labels)} class(es); a classifier needs two at least. "
            "Add a class of other sounds."
        )
    seen: dict[str, str] = {}
    for label in sorted(labels):
        folded = unicodedata.normalize("NFKC", label).casefold()
        if folded in seen:
            raise _duplicate(seen[folded], label)
        seen[folded] = label


def _duplicate(one: str, other: str) -> DuplicateClassError:
    return DuplicateClassError(
        f"The classes {one!r} and {other!r} look the same to people; give them one name."
    )


def _given_split(dataset: Dataset) -> Split:
    split = Split(
        tuple(clip for clip in dataset.clips if clip.split == TRAIN),
        tuple(clip for clip in dataset.clips if clip.split == VALIDATION),
    )
    unsure = len(dataset.clips) - len(split.train) - len(split.validation)
    if unsure or not split.validation:
        raise TooFewSoundsError(
            f"{unsure} sounds have neither 'train' nor 'val' as split, and "
            f"{len(split.validation)} have 'val'; say it for all or leave the column out."
        )
    torn = {clip.group for clip in split.train} & {clip.group for clip in split.validation}
    if torn:
        raise TooFewSoundsError(
            f"The group {min(torn)!r} is in 'train' and in 'val'; what was learnt would be tried "
            "on itself. Give all its rows one split."
        )
    learnt = {label for clip in split.train for label in clip.labels}
    missing = sorted(set(dataset.labels) - learnt)
    if missing:
        raise TooFewSoundsError(f"There is nothing to learn {_listed(missing)} from: all is 'val'.")
    return split


def _groups_by_class(dataset: Dataset, *, at_least: int, seed: int) -> dict[str, list[str]]:
    """Groups of each class in random order, the rarest class first.

    Sounds of no class are spread like one more, which needs no number of recordings.
    """
    rng = np.random.default_rng(seed)
    found: dict[str, dict[str, None]] = defaultdict(dict)
    for clip in dataset.clips:
        for label in clip.labels or (NO_CLASS,):
            found[label][clip.group] = None
    few = [label for label in dataset.labels if len(found[label]) < at_least]
    if few:
        raise TooFewSoundsError(
            f"There is not enough to learn {_listed(few)} from: each class needs {at_least} "
            "different recordings at least, some to learn from and one to try it on. Copies and "
            "excerpts of one recording count as one."
        )
    names = [*dataset.labels, *({NO_CLASS} & found.keys())]
    shuffled = {label: list(rng.permutation(sorted(found[label]))) for label in names}
    return dict(sorted(shuffled.items(), key=lambda item: (len(item[1]), item[0])))


def _cut(dataset: Dataset, held_back: set[str]) -> Split:
    split = Split(
        tuple(clip for clip in dataset.clips if clip.group not in held_back),
        tuple(clip for clip in dataset.clips if clip.group in held_back),
    )
    learnt = {label for clip in split.train for label in clip.labels}
    missing = sorted(set(dataset.labels) - learnt)
    if missing:
        raise TooFewSoundsError(
            f"All sounds of {_listed(missing)} belong to groups with other classes, so nothing is "
            "left to learn from; add recordings."
        )
    return split


def _listed(names: Sequence[str]) -> str:
    shown = ", ".join(repr(name) for name in names[:5])
    return shown if len(names) <= 5 else f"{shown} and {len(names) - 5} more"
