"""How sure a figure is: bootstrap over groups of clips. Pure NumPy.

Excerpts of one recording are not independent, so whole groups are drawn, not clips (cluster
bootstrap; Efron and Tibshirani, "An Introduction to the Bootstrap", 1993, chapters 13 and 16).
Classifiers are compared on the same draws: what makes a draw easy makes it easy for all of them.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Doubles = npt.NDArray[np.float64]
Rows = npt.NDArray[np.int64]
Statistic = Callable[[Rows], float]
"""A figure of the clips in the given rows; a row may come several times."""

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


def draw_rows(groups: Sequence[Hashable], *, draws: int = DRAWS, seed: int = 0) -> list[Rows]:
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
    list of ndarray of int64
        The rows of each draw.
    """
    members: dict[Hashable, list[int]] = {}
    for row, group in enumerate(groups):
        members.setdefault(group, []).append(row)
    rows = [np.array(found, np.int64) for found in members.values()]
    if not rows:
        return []
    chosen = np.random.default_rng(seed).integers(len(rows), size=(draws, len(rows)))
    return [np.concatenate([rows[number] for number in draw]) for draw in chosen]


def resample(statistic: Statistic, rows: Sequence[Rows]) -> Doubles:
    """Compute a figure for each draw, shape (draws,); NaN where it has no value."""
    return np.array([statistic(draw) for draw in rows], np.float64)


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


def difference(first: Interval, second: Interval, a: Doubles, b: Doubles) -> Difference:
    """Compare two classifiers by the same figure on the same draws.

    Parameters
    ----------
    first, second : Interval
        The figure of each.
    a, b : ndarray of float64, shape (draws,)
        Their resampled figures, draw by draw over the same rows.

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
    return Difference(interval(first.value - second.value, gaps), better)
