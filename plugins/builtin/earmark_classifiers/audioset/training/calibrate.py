"""Making a score of 0.25 mean something: a scale and an offset for the logits, and the proof."""

from __future__ import annotations

import math
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float32]

EDGES = (0.01, 0.03, 0.06, 0.1, 0.15, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1.0)


@dataclass(frozen=True)
class Calibration:
    """``sigmoid(scale * logit + offset)``, after Platt (1999)."""

    scale: float
    offset: float

    def __call__(self, logits: Floats) -> Floats:
        """Map logits of any shape to scores in [0, 1]."""
        scores: Floats = 1 / (1 + np.exp(-(self.scale * logits + self.offset)))
        return scores


PLAIN = Calibration(1.0, 0.0)
"""The sigmoid itself: scores as a network gives them."""


@dataclass(frozen=True)
class ReliabilityBin:
    """Scores of one range against what was true of them."""

    score: float
    truth: float
    pairs: int


def fit_calibration(logits: Floats, truth: Floats, steps: int = 50) -> Calibration:
    """Fit scale and offset to the least cross-entropy, by Newton's method with halved steps.

    Parameters
    ----------
    logits, truth : ndarray, same shape
        The student's logits, and how likely the label is there, in [0, 1].
    """
    z, y = logits.ravel().astype(np.float64), truth.ravel().astype(np.float64)
    design = np.stack([z, np.ones_like(z)])

    def loss(weights: npt.NDArray[np.float64]) -> float:
        margin = weights @ design
        return float((np.logaddexp(0, margin) - y * margin).mean())

    weights = np.array([1.0, 0.0])
    for _ in range(steps):
        p = 0.5 * (1 + np.tanh(0.5 * (weights @ design)))  # the sigmoid, without overflow
        curvature = (design * (p * (1 - p))) @ design.T + 1e-9 * np.eye(2)
        step = np.linalg.solve(curvature, design @ (p - y))
        while loss(weights - step) > loss(weights) and np.abs(step).max() > 1e-9:
            step /= 2
        weights -= step
        if np.abs(step).max() < 1e-8:
            break
    return Calibration(float(weights[0]), float(weights[1]))


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
