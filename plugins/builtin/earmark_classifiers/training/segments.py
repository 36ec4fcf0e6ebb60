"""Segments of the training sounds in batches, and whole clips in windows for validation."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from earmark_classifiers.training.augment import MIXUP, change_sound, mix_up
from earmark_classifiers.training.data import LabelledClip
from earmark_classifiers.training.sounds import SoundStore
from earmark_plugin_api import Window, cut_windows

Floats = npt.NDArray[np.float32]


@dataclass(frozen=True, eq=False)
class Batch:
    """Segments to learn from.

    Attributes
    ----------
    samples : ndarray of float32, shape (batch, n)
    targets : ndarray of float32, shape (batch, classes)
        In [0, 1].
    """

    samples: Floats
    targets: Floats


class Segments:
    """Draws a segment of every clip, once an epoch.

    Parameters
    ----------
    clips : sequence of LabelledClip
    labels : sequence of str
        In the order of the target columns.
    sounds : SoundStore
    window : Window
        A segment is as long as a window.
    augment : sequence of str
        Names of augmentations.
    """

    def __init__(
        self,
        clips: Sequence[LabelledClip],
        labels: Sequence[str],
        sounds: SoundStore,
        window: Window,
        augment: Sequence[str],
    ) -> None:
        self._clips = clips
        self._sounds = sounds
        self._length = window.samples(sounds.sample_rate)
        self._augment = augment
        self.targets = make_targets(clips, labels)

    def __len__(self) -> int:
        return len(self._clips)

    def batches(self, size: int, rng: np.random.Generator) -> Iterator[Batch]:
        """Iterate over all clips in random order; a last batch of one joins the one before."""
        order = rng.permutation(len(self._clips))
        cuts = list(range(size, len(order) - 1, size))
        for chosen in np.split(order, cuts):
            samples = np.stack([self._draw(self._clips[i], rng) for i in chosen])
            targets = self.targets[chosen]
            if MIXUP in self._augment:
                samples, targets = mix_up(samples, targets, rng)
            yield Batch(samples, targets)

    def _draw(self, clip: LabelledClip, rng: np.random.Generator) -> Floats:
        samples = self._sounds.samples(clip)
        surplus = len(samples) - self._length
        if surplus > 0:
            begin = int(rng.integers(surplus + 1))
            samples = samples[begin : begin + self._length]
        else:
            samples = np.resize(samples, self._length)
        return change_sound(samples, self._sounds.sample_rate, self._augment, rng)


def make_targets(clips: Sequence[LabelledClip], labels: Sequence[str]) -> Floats:
    """Return 1 where a clip has a label, else 0, ``[clips, labels]``."""
    column = {label: i for i, label in enumerate(labels)}
    targets = np.zeros((len(clips), len(labels)), np.float32)
    for row, clip in enumerate(clips):
        targets[row, [column[label] for label in clip.labels]] = 1
    return targets


def class_weights(targets: Floats) -> Floats:
    """Weigh rare classes more: by the root of their rarity, at most four times the average.

    Parameters
    ----------
    targets : ndarray of float32, shape (clips, classes)

    Returns
    -------
    ndarray of float32, shape (classes,)
        Such that the mean over the clips is 1.
    """
    counts = targets.sum(axis=0)
    weights = np.minimum(np.sqrt(counts.mean() / np.maximum(counts, 1)), 4.0)
    scaled: Floats = (weights * counts.sum() / (weights * counts).sum()).astype(np.float32)
    return scaled


def validation_batches(
    clips: Sequence[LabelledClip], sounds: SoundStore, window: Window, size: int
) -> Iterator[tuple[Floats, npt.NDArray[np.int64]]]:
    """Cut clips as the platform does: windows ``[up to size, n]`` and the row of their clip."""
    waiting: list[Floats] = []
    owners: list[int] = []
    for row, clip in enumerate(clips):
        for cut in cut_windows(sounds.samples(clip), window, sounds.sample_rate):
            waiting.append(cut.samples)
            owners.append(row)
            if len(waiting) == size:
                yield np.stack(waiting), np.array(owners)
                waiting, owners = [], []
    if waiting:
        yield np.stack(waiting), np.array(owners)
