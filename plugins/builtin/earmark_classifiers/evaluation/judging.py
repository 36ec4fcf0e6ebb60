"""What one classifier made of labelled clips, with everything a report says about it. Pure."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt

from earmark_classifiers.evaluation.calibration import Reliability, reliability
from earmark_classifiers.evaluation.metrics import (
    Counts,
    Figures,
    Truth,
    confusion,
    figures,
    top_classes,
)
from earmark_classifiers.evaluation.resampling import (
    DRAWS,
    Interval,
    Resampled,
    draw_counts,
    interval,
    resample,
)

Floats = npt.NDArray[np.float32]

MOST_DRAWN = 20_000_000
"""Draws times clips: beyond it fewer draws are made, so that memory stays below some 300 MB."""

FIGURES = {
    "accuracy": "accuracy",
    "macro_f1": "macro_f1",
    "map": "mean_average_precision",
}
"""The figures that get intervals: their name in reports and in `Figures` and `Resampled`."""


@dataclass(frozen=True)
class Confused:
    """Clips of one class that were given another one."""

    label: str
    given: str
    clips: int
    examples: tuple[tuple[str, float], ...]
    """Names and confidence of those it was surest of."""


@dataclass(frozen=True, eq=False)
class Evaluation:
    """Scores of a classifier over labelled clips.

    Attributes
    ----------
    classifier : str
        Identity, such as ``audioset@1.0.0``.
    classes : tuple of str
        Of the data, in the order of the columns.
    names : tuple of str
        Path texts of the clips (`earmark_files.paths`), each of them once.
    groups : tuple of str
        Clips of one recording share one.
    truth : ndarray of bool, shape (clips, classes)
    scores : ndarray of float32, shape (clips, classes)
        In [0, 1].
    """

    classifier: str
    classes: tuple[str, ...]
    names: tuple[str, ...]
    groups: tuple[str, ...]
    truth: Truth
    scores: Floats

    @cached_property
    def figures(self) -> Figures:
        """The figures over all clips."""
        return figures(self.truth, self.scores)

    @cached_property
    def resampled(self) -> Resampled:
        """The figures of each bootstrap draw; the same draws for the same clips."""
        draws = max(100, min(DRAWS, MOST_DRAWN // max(1, len(self.names))))
        return resample(self.truth, self.scores, draw_counts(self.groups, draws=draws))

    def interval(self, figure: str) -> Interval:
        """Return a figure of `FIGURES` with its 95 % interval."""
        name = FIGURES[figure]
        return interval(getattr(self.figures, name), getattr(self.resampled, name))

    @cached_property
    def single(self) -> npt.NDArray[np.bool_]:
        """Which clips are of exactly one class: only these can be confused, shape (clips,)."""
        single: npt.NDArray[np.bool_] = self.truth.sum(axis=1) == 1
        return single

    @cached_property
    def confusion(self) -> Counts:
        """Clips by class and given class, shape (classes, classes)."""
        truth = self.truth[self.single].argmax(axis=1)
        return confusion(truth, top_classes(self.scores[self.single]), len(self.classes))

    @cached_property
    def reliability(self) -> Reliability:
        """Confidence of the best class of each clip against how often it is right."""
        if not len(self.names):
            return reliability(np.zeros(0), np.zeros(0, np.bool_))
        top = top_classes(self.scores)
        rows = np.arange(len(top))
        return reliability(self.scores[rows, top], self.truth[rows, top])

    def worst_confusions(self, limit: int = 12, examples: int = 3) -> list[Confused]:
        """Return the pairs of classes that were mixed up most, each direction on its own."""
        found: defaultdict[tuple[int, int], list[tuple[float, str]]] = defaultdict(list)
        top = top_classes(self.scores) if len(self.names) else np.zeros(0, np.int64)
        for row in np.flatnonzero(self.single):
            label, given = int(self.truth[row].argmax()), int(top[row])
            if label != given:
                found[label, given].append((float(self.scores[row, given]), self.names[row]))
        ranked = sorted(found.items(), key=lambda item: (-len(item[1]), item[0]))[:limit]
        return [
            Confused(
                self.classes[label],
                self.classes[given],
                len(clips),
                tuple((name, score) for score, name in sorted(clips, reverse=True)[:examples]),
            )
            for (label, given), clips in ranked
        ]

    def as_json(self) -> dict[str, Any]:
        """Return everything in plain values; what has no value is None."""
        told = self.figures
        table = told.classes
        columns = (table.support, table.precision, table.recall, table.f1, table.average_precision)
        fields = ("clips", "precision", "recall", "f1", "average_precision")
        return {
            "classifier": self.classifier,
            "clips": told.clips,
            "accuracy": number(told.accuracy),
            "macro_precision": number(told.macro_precision),
            "macro_recall": number(told.macro_recall),
            "macro_f1": number(told.macro_f1),
            "map": number(told.mean_average_precision),
            "calibration_error": number(self.reliability.error),
            "intervals": {name: interval_as_json(self.interval(name)) for name in FIGURES},
            "per_class": [
                {"label": label}
                | {field: number(value[row]) for field, value in zip(fields, columns, strict=True)}
                for row, label in enumerate(self.classes)
            ],
            "confusions": [
                {
                    "label": pair.label,
                    "given": pair.given,
                    "clips": pair.clips,
                    "examples": [name for name, _ in pair.examples],
                }
                for pair in self.worst_confusions()
            ],
        }


def keep_common(evaluations: Sequence[Evaluation]) -> list[Evaluation]:
    """Cut evaluations down to the clips all of them have, in the order of the first one.

    Equal order matters: bootstrap draws are paired by it.
    """
    common = set.intersection(*(set(one.names) for one in evaluations))
    order = [name for name in evaluations[0].names if name in common]
    kept = []
    for one in evaluations:
        place = {name: row for row, name in enumerate(one.names)}
        rows = [place[name] for name in order]
        kept.append(
            replace(
                one,
                names=tuple(order),
                groups=tuple(one.groups[row] for row in rows),
                truth=one.truth[rows],
                scores=one.scores[rows],
            )
        )
    return kept


def number(value: Any) -> float | int | None:
    """Return a NumPy number as a plain one, four digits behind the point; NaN becomes None."""
    if isinstance(value, int | np.integer):
        return int(value)
    return None if math.isnan(value) else round(float(value), 4)


def interval_as_json(value: Interval) -> list[float | int | None]:
    """Return the ends of an interval."""
    return [number(value.low), number(value.high)]
