"""Whether a score of 0.25 means something: scores against what was true, label by label."""

from __future__ import annotations

import math
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float32]

EDGES = (0.01, 0.03, 0.06, 0.1, 0.15, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1.0)


@dataclass(frozen=True)
class ReliabilityBin:
    """Scores of one range against what was true of them."""

    score: float
    truth: float
    pairs: int


def reliability(scores: Floats, truth: Floats) -> list[ReliabilityBin]:
    """Mean score and mean truth of the pairs in each range of scores that has 20 or more."""
    bins = []
    flat, true = scores.ravel(), truth.ravel()
    for low, high in pairwise(EDGES):
        inside = (flat >= low) & (flat < high)
        if inside.sum() >= 20:
            bins.append(
                ReliabilityBin(
                    float(flat[inside].mean()), float(true[inside].mean()), int(inside.sum())
                )
            )
    return bins


def expected_error(bins: list[ReliabilityBin]) -> float:
    """Mean distance of score and truth over the bins, weighted by their pairs; NaN without bins."""
    pairs = sum(b.pairs for b in bins)
    if not pairs:
        return math.nan
    return sum(abs(b.score - b.truth) * b.pairs for b in bins) / pairs
