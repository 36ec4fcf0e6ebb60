"""Clips of training data as rows of features: one row a window, with what is known about it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from earmark_classifiers.training.data import LabelledClip
from earmark_classifiers.training.sounds import SoundStore
from earmark_plugin_api import Window, cut_windows

Floats = npt.NDArray[np.float32]
Truth = npt.NDArray[np.bool_]
Indices = npt.NDArray[np.int64]

BATCH = 32
"""Windows described at once."""

MAX_WINDOWS = 24
"""Windows taken of one clip, evenly spread: an hour of rain must not outvote a hundred doors."""

QUIET_PEAK = 10 ** (-60 / 20)
"""Windows that peak below this teach nothing: their scores are faded out anyway."""


@dataclass(frozen=True, eq=False)
class Rows:
    """Described windows of clips.

    Attributes
    ----------
    values : ndarray of float32, shape (rows, features)
    owner : ndarray of int64, shape (rows,)
        Number of the clip a window is of.
    truth : ndarray of bool, shape (clips, labels)
    groups : tuple of str, length clips
        Clips of one group belong together.
    """

    values: Floats
    owner: Indices
    truth: Truth
    groups: tuple[str, ...]

    @property
    def row_truth(self) -> Truth:
        """What is true of each row: the labels of its clip, ``[rows, labels]``."""
        truth: Truth = self.truth[self.owner]
        return truth


def describe_clips(
    clips: Sequence[LabelledClip],
    labels: Sequence[str],
    sounds: SoundStore,
    window: Window,
    describe: Callable[[Floats], Floats],
    report: Callable[[int, int], None] = lambda done, of: None,
) -> Rows:
    """Cut clips as the platform will and describe their windows.

    Parameters
    ----------
    clips : sequence of LabelledClip
        At least one.
    labels : sequence of str
        Order of the columns of the truth.
    sounds : SoundStore
    window : Window
    describe : callable
        Maps windows ``[windows, samples]`` to features ``[windows, features]``.
    report : callable
        Called with how many clips are done, and of how many.

    Returns
    -------
    Rows
        Every clip has a row at least.
    """
    values, owner, batch = [], [], []
    for number, samples in _windows(clips, sounds, window):
        owner.append(number)
        batch.append(samples)
        if len(batch) == BATCH:
            values.append(describe(np.stack(batch)))
            batch.clear()
            report(number, len(clips))
    if batch:
        values.append(describe(np.stack(batch)))
    report(len(clips), len(clips))
    return Rows(
        values=np.concatenate(values),
        owner=np.array(owner, np.int64),
        truth=truth_of(clips, labels),
        groups=tuple(clip.group for clip in clips),
    )


def truth_of(clips: Sequence[LabelledClip], labels: Sequence[str]) -> Truth:
    """Return which label each clip has, ``[clips, labels]``."""
    truth = np.zeros((len(clips), len(labels)), np.bool_)
    column = {label: number for number, label in enumerate(labels)}
    for row, clip in zip(truth, clips, strict=True):
        row[[column[label] for label in clip.labels]] = True
    return truth


def assign_folds(rows: Rows, folds: int, seed: int) -> Indices:
    """Return the fold of each clip, ``[clips]``; a group has one fold.

    Unlike `training.data.stratified_folds` it accepts classes of one group: the fold that holds
    it just has nothing to learn that class from.
    """
    rng = np.random.default_rng(seed)
    members: dict[str, list[int]] = {}
    for number, group in enumerate(rows.groups):
        members.setdefault(group, []).append(number)
    # Clips without a label, such as a detector's backgrounds, are spread like a class of theirs.
    truth = np.concatenate((rows.truth, ~rows.truth.any(axis=1, keepdims=True)), axis=1)
    counts = np.zeros((folds, truth.shape[1]), np.int64)
    fold = np.zeros(len(rows.groups), np.int64)
    rarity = truth.sum(axis=0)
    names = [list(members)[i] for i in rng.permutation(len(members))]
    # Rare classes first: they have the fewest places left to go.
    names.sort(key=lambda name: rarity[truth[members[name]].any(axis=0)].min())
    for name in names:
        has = truth[members[name]].sum(axis=0)
        fullness = (counts * (has > 0)).sum(axis=1) * 1_000_000 + counts.sum(axis=1)
        chosen = int(fullness.argmin())
        fold[members[name]] = chosen
        counts[chosen] += has
    return fold


def clip_windows(samples: Floats, window: Window, sample_rate: int) -> list[Floats]:
    """Cut a clip, leave out what is next to silent, and take `MAX_WINDOWS` at most.

    Returns
    -------
    list of ndarray of float32, shape (n,)
        At least one.
    """
    cut = [part.samples for part in cut_windows(samples, window, sample_rate)]
    heard = [part for part in cut if np.abs(part).max() >= QUIET_PEAK] or cut
    chosen = np.linspace(0, len(heard) - 1, min(len(heard), MAX_WINDOWS)).round().astype(int)
    return [heard[place] for place in chosen]


def _windows(
    clips: Sequence[LabelledClip], sounds: SoundStore, window: Window
) -> Iterator[tuple[int, Floats]]:
    for number, clip in enumerate(clips):
        for part in clip_windows(sounds.samples(clip), window, sounds.sample_rate):
            yield number, part
