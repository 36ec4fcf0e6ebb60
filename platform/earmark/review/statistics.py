"""What decisions say about labels: precision, recall, thresholds, agreement. Pure functions.

Each decided tag stands for as many as its weight says. Precision and recall at a threshold are
weighted shares; their intervals are Wilson's, with Kish's effective sample size in place of the
number of decisions, so that a few heavy ones are not taken for many.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from math import sqrt

Z = 1.959964
"""Of the normal distribution, for intervals that hold the truth in 95 of 100 cases."""

FEWEST = 30
"""With fewer decisions above a threshold nothing is suggested."""

TOO_FEW, NOT_REACHED = "too_few_decisions", "not_reached"


@dataclass(frozen=True, slots=True)
class Judged:
    """A decided tag: its score, whether it was right, and for how many tags it stands."""

    score: float
    right: bool
    weight: float


@dataclass(frozen=True)
class Share:
    """An estimated share with its interval.

    Attributes
    ----------
    value, low, high : float or None
        None where nothing was decided.
    decisions : int
        How many it rests on.
    """

    value: float | None
    low: float | None
    high: float | None
    decisions: int


@dataclass(frozen=True)
class Suggestion:
    """A threshold for a wanted precision, or why there is none.

    Attributes
    ----------
    threshold : float or None
    reason : str
        Empty with a threshold, else `TOO_FEW` or `NOT_REACHED`.
    precision, recall : Share
        At the threshold; without one, of all that was judged.
    """

    threshold: float | None
    reason: str
    precision: Share
    recall: Share


def wilson(right: float, number: float, *, z: float = Z) -> tuple[float, float]:
    """Return Wilson's score interval of a share: `right` of `number`, which need not be whole."""
    share, square = right / number, z * z
    middle = (share + square / (2 * number)) / (1 + square / number)
    spread = sqrt(share * (1 - share) / number + square / (4 * number * number))
    half = z * spread / (1 + square / number)
    return max(0.0, middle - half), min(1.0, middle + half)


class _Tally:
    """A weighted share in the making."""

    def __init__(self) -> None:
        self._number = 0
        self._hits = self._total = self._squares = 0.0

    def add(self, hit: bool, weight: float) -> None:
        self._number += 1
        self._total += weight
        self._squares += weight * weight
        if hit:
            self._hits += weight

    def share(self) -> Share:
        if not self._number:
            return Share(None, None, None, 0)
        value = min(1.0, self._hits / self._total)
        effective = self._total * self._total / self._squares
        low, high = wilson(value * effective, effective)
        return Share(value, low, high, self._number)


def precision_at(judged: Iterable[Judged], threshold: float) -> Share:
    """Return how many of the tags from a threshold on are right."""
    tally = _Tally()
    for one in judged:
        if one.score >= threshold:
            tally.add(one.right, one.weight)
    return tally.share()


def recall_at(judged: Iterable[Judged], threshold: float) -> Share:
    """Return how many of the right tags a threshold keeps: of those that anybody was asked about.

    Sounds whose score is below the review threshold are not among them.
    """
    tally = _Tally()
    for one in judged:
        if one.right:
            tally.add(one.score >= threshold, one.weight)
    return tally.share()


def suggest_threshold(judged: Sequence[Judged], *, precision: float) -> Suggestion:
    """Return the lowest threshold that surely gives a precision.

    Surely: the lower end of its interval reaches it, over `FEWEST` decisions at least. Only scores
    that somebody has judged can be thresholds.
    """
    tally = _Tally()
    found: tuple[float, Share] | None = None
    ranked = sorted(judged, key=lambda one: -one.score)
    for at, one in enumerate(ranked):
        tally.add(one.right, one.weight)
        if at + 1 < len(ranked) and ranked[at + 1].score == one.score:
            continue
        share = tally.share()
        if share.decisions >= FEWEST and share.low is not None and share.low >= precision:
            found = one.score, share
    if found is not None:
        return Suggestion(found[0], "", found[1], recall_at(judged, found[0]))
    reason = TOO_FEW if len(judged) < FEWEST else NOT_REACHED
    return Suggestion(None, reason, tally.share(), recall_at(judged, 0.0))


@dataclass(frozen=True)
class Agreement:
    """How two reviewers' answers to the same questions compare.

    Attributes
    ----------
    both_right, both_wrong, first_right, second_right : int
        Numbers of items; the last two are those about which they disagreed.
    kappa : float or None
        Cohen's; None where it is not defined, as nobody ever said anything else.
    """

    both_right: int
    both_wrong: int
    first_right: int
    second_right: int
    kappa: float | None

    @property
    def items(self) -> int:
        """How many items two reviewers have judged."""
        return self.both_right + self.both_wrong + self.first_right + self.second_right


def agreement(pairs: Sequence[tuple[bool, bool]]) -> Agreement:
    """Compare two reviewers by what they said, each about the same items."""
    number = len(pairs)
    rights = [sum(pair[at] for pair in pairs) for at in (0, 1)]
    both_right = sum(one and two for one, two in pairs)
    both_wrong = sum(not one and not two for one, two in pairs)
    kappa = None
    if number:
        observed = (both_right + both_wrong) / number
        by_chance = (
            rights[0] * rights[1] + (number - rights[0]) * (number - rights[1])
        ) / number**2
        kappa = (observed - by_chance) / (1 - by_chance) if by_chance < 1 else None
    return Agreement(both_right, both_wrong, rights[0] - both_right, rights[1] - both_right, kappa)
