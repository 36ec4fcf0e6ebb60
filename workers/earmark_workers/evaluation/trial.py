"""A classifier over a set of labelled clips."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import zip_longest
from pathlib import Path

import numpy as np

from earmark.tagging.knowledge.tables import read_table
from earmark_classifiers.evaluation.judging import Evaluation
from earmark_classifiers.evaluation.mapping import class_scores, match_labels
from earmark_classifiers.training.data import Dataset, LabelledClip
from earmark_files.paths import path_to_text
from earmark_workers.evaluation.listening import Floats, Heard, Listener, Unheard

LabelTable = Mapping[str, Sequence[str]]
"""See `earmark_classifiers.evaluation.mapping.read_label_table`."""


class NothingToTryError(Exception):
    """No clip is left to try a classifier on.

    Attributes
    ----------
    code : str
        ``nothing_to_try``.
    """

    code = "nothing_to_try"


@dataclass(frozen=True)
class Trial:
    """What came out, and what could not be read."""

    evaluation: Evaluation
    unheard: tuple[Unheard, ...]


def choose_clips(dataset: Dataset, *, split: str = "", limit: int | None = None) -> Dataset:
    """Keep the clips of one split, and of them at most `limit`, the classes in turn.

    Raises
    ------
    NothingToTryError
        If nothing is left.
    """
    clips = [clip for clip in dataset.clips if not split or clip.split == split]
    if not clips:
        raise NothingToTryError(f"No clip of the data belongs to the split {split!r}.")
    if limit is not None:
        by_class: defaultdict[str, list[LabelledClip]] = defaultdict(list)
        for clip in clips:
            by_class[clip.labels[0]].append(clip)
        turns = zip_longest(*(by_class[label] for label in sorted(by_class)))
        clips = [clip for turn in turns for clip in turn if clip is not None][:limit]
    present = {label for clip in clips for label in clip.labels}
    labels = tuple(label for label in dataset.labels if label in present)
    return Dataset(labels, tuple(clips))


def try_classifier(
    listener: Listener,
    dataset: Dataset,
    *,
    root: Path,
    table: LabelTable,
    on_clip: Callable[[Path, bool], None],
) -> Trial:
    """Let a classifier hear all clips.

    Parameters
    ----------
    listener : Listener
    dataset : Dataset
    root : Path
        Names of clips are told relative to it.
    table : mapping
        What the user says about labels.
    on_clip : callable
        Called after each clip with whether it could be heard.

    Raises
    ------
    MappingError
        If the classes of the data are not those of the classifier.
    NothingToTryError
        If not one clip could be heard, or fewer than two classes are left.
    """
    columns = match_labels(
        dataset.labels, listener.manifest.labels, table=table, other_names=other_names()
    )
    if len(columns) < 2:
        raise NothingToTryError(
            f"Only {len(columns)} of the classes would be tried, and what is always the same is "
            "always right; two are needed. Leave out fewer with --labels, or raise --limit."
        )
    clips = {
        clip.path: clip for clip in dataset.clips if any(label in columns for label in clip.labels)
    }
    heard: dict[Path, Floats] = {}
    unheard = []
    for result in listener.hear(list(clips)):
        if isinstance(result, Heard):
            # Only the columns that are asked about are kept: 527 labels of many clips add up.
            heard[result.path] = class_scores(result.scores[None], columns)[0]
        else:
            unheard.append(result)
        on_clip(result.path, isinstance(result, Heard))
    if not heard:
        why = f" The first: {unheard[0].message}" if unheard else ""
        raise NothingToTryError(f"None of the {len(clips)} clips could be tried.{why}")
    kept = [clip for path, clip in clips.items() if path in heard]
    evaluation = Evaluation(
        classifier=listener.manifest.identity,
        classes=tuple(columns),
        names=tuple(name_of(clip.path, root) for clip in kept),
        groups=tuple(clip.group for clip in kept),
        truth=np.array([[label in clip.labels for label in columns] for clip in kept], np.bool_),
        scores=np.stack([heard[clip.path] for clip in kept]),
    )
    return Trial(evaluation, tuple(unheard))


def name_of(path: Path, root: Path) -> str:
    """Return the path text of a clip: below the folder of the data where it lies there."""
    folder = root if root.is_dir() else root.parent
    return path_to_text(path.relative_to(folder) if path.is_relative_to(folder) else path)


def other_names() -> dict[str, list[str]]:
    """Return what AudioSet's labels are called in tags, by label id."""
    return {
        row["id"]: [name for name in (row["tag"], *row["other_names"].split(";")) if name]
        for row in read_table("audioset_tag_names.csv")
    }
