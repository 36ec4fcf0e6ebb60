"""How sure a figure is: bootstrap over groups of clips. Pure NumPy.

Excerpts of one recording are not independent, so whole groups are drawn, not clips (cluster
bootstrap; Efron and Tibshirani, "An Introduction to the Bootstrap", 1993, chapters 13 and 16).
Classifiers are compared on the same draws: what makes a draw easy makes it easy for all of them.
A draw is kept as how often each clip is in it, so that all draws are computed at once.
"""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from earmark_classifiers.evaluation.metrics import Scores, Truth, one_hot, top_classes

Doubles = npt.NDArray[np.float64]
Counts = npt.NDArray[np.float32]

DRAWS = 1000


@dataclass(frozen=True)
class Interval:
    """A figure and where it would lie if other clips of the same kind had been taken.

    Attributes
    ----------
    value : float
        Of all clips.
    low, high : float
        Percentile interval; NaN where too few draws have a value.
    """

    value: float
    low: float
    high: float


@dataclass(frozen=True)
class Difference:
    """How much better the first of two classifiers is on the same clips.

    Attributes
    ----------
    interval : Interval
        Of the difference, first minus second.
    first_better : float
        Share of draws in which the first one was better; draws without a difference count half.
    """

    interval: Interval
    first_better: float

    @property
    def is_clear(self) -> bool:
        """Whether the interval leaves zero out."""
        return self.interval.low > 0 or self.interval.high < 0


@dataclass(frozen=True, eq=False)
class Resampled:
    """The figures of each draw, shape (draws,); NaN where a draw has no value."""

    accuracy: Doubles
    macro_f1: Doubles
    mean_average_precision: Doubles


def draw_counts(groups: Sequence[Hashable], *, draws: int = DRAWS, seed: int = 0) -> Counts:
    """Draw as many groups as there are, with replacement, again and again.

    Parameters
    ----------
    groups : sequence of hashable, length clips
        Equal values belong together.
    draws : int
    seed : int
        Equal seeds give equal draws.

    Returns
    -------
    ndarray of float32, shape (draws, clips)
        How often each clip is in each draw: whole numbers. All zero where there is one group
        only: every draw would be all clips, which says nothing of others.
    """
    numbers: dict[Hashable, int] = {}
    place = [numbers.setdefault(group, len(numbers)) for group in groups]
    if len(numbers) < 2:
        return np.zeros((draws, len(place)), np.float32)
    shares = np.full(len(numbers), 1 / len(numbers))
    drawn = np.random.default_rng(seed).multinomial(len(numbers), shares, size=draws)
    counts: Counts = drawn[:, place].astype(np.float32)
    return counts


def resample(truth: Truth, scores: Scores, counts: Counts) -> Resampled:
    """Compute the figures of each draw, equal to those of `metrics.figures` over its clips.

    Parameters
    ----------
    truth : ndarray of bool, shape (clips, classes)
    scores : ndarray, shape (clips, classes)
    counts : ndarray of float32, shape (draws, clips)
        See `draw_counts`.
    """
    given = one_hot(top_classes(scores), truth.shape[1])
    hits, support, chosen = (
        (counts @ matrix.astype(np.float32)).astype(np.float64)
        for matrix in (truth & given, truth, given)
    )
    present = support > 0
    f1 = np.divide(2 * hits, support + chosen, out=np.zeros_like(hits), where=present)
    precisions = [
        _average_precisions(truth[:, c], scores[:, c], counts) for c in range(truth.shape[1])
    ]
    total = counts.sum(axis=1, dtype=np.float64)
    return Resampled(
        accuracy=_share(hits.sum(axis=1), total),
        macro_f1=_share(f1.sum(axis=1), present.sum(axis=1)),
        mean_average_precision=_share(np.sum(precisions, axis=0, initial=0.0), present.sum(axis=1)),
    )


def interval(value: float, resampled: Doubles, *, level: float = 0.95) -> Interval:
    """Return the percentile interval of a figure.

    Parameters
    ----------
    value : float
        Of all clips.
    resampled : ndarray of float64, shape (draws,)
        See `resample`.
    level : float
        Share of draws the interval holds, in (0, 1).
    """
    known = resampled[~np.isnan(resampled)]
    if len(known) < 2:
        return Interval(value, float("nan"), float("nan"))
    low, high = np.quantile(known, [(1 - level) / 2, (1 + level) / 2])
    return Interval(value, float(low), float(high))


def difference(first: float, second: float, a: Doubles, b: Doubles) -> Difference:
    """Compare two classifiers by the same figure on the same draws.

    Parameters
    ----------
    first, second : float
        The figure of each over all clips.
    a, b : ndarray of float64, shape (draws,)
        Their resampled figures, draw by draw over the same clips.

    Raises
    ------
    ValueError
        If there is not one value a draw for both.
    """
    if a.shape != b.shape:
        raise ValueError(f"draws of shape {a.shape} and {b.shape} cannot be paired")
    gaps = a - b
    known = gaps[~np.isnan(gaps)]
    better = float((known > 0).mean() + (known == 0).mean() / 2) if len(known) else float("nan")
    return Difference(interval(first - second, gaps), better)


def _average_precisions(truth: Truth, scores: Scores, counts: Counts) -> Doubles:
    """Average precision of one class in each draw; 0 where the class is in no clip of it."""
    order = np.argsort(-scores, kind="stable")
    ranked, right = scores[order], truth[order]
    # Clips with equal scores come in together: each is judged at the end of its run.
    starts = np.flatnonzero(np.append(True, np.diff(ranked) != 0)) if len(ranked) else order
    ends = np.append(starts[1:], len(ranked)) - 1
    end_of = ends[np.searchsorted(starts, np.flatnonzero(right), side="right") - 1]
    drawn = counts[:, order]
    seen = np.cumsum(drawn, axis=1, dtype=np.float32)[:, end_of]
    found = np.cumsum(drawn * right, axis=1, dtype=np.float32)[:, end_of]
    weight = drawn[:, right].astype(np.float64)
    precision = np.divide(found, seen, out=np.zeros_like(found), where=seen > 0)
    total = weight.sum(axis=1)
    result = np.zeros(len(counts))
    np.divide((weight * precision).sum(axis=1), total, out=result, where=total > 0)
    return result


def _share(part: Doubles, whole: npt.NDArray[np.generic]) -> Doubles:
    nothing = np.full(len(part), np.nan)
    result: Doubles = np.divide(part, whole, out=nothing, where=np.asarray(whole) > 0)
    return result
