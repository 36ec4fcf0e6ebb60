"""Making scores of decisions: one scale and offset for all labels, fitted to what came true."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float32]
Doubles = npt.NDArray[np.float64]
Truth = npt.NDArray[np.bool_]


@dataclass(frozen=True)
class Calibration:
    """The sigmoid of ``scale * decision + offset``, the same for every label.

    Platt, "Probabilistic Outputs for Support Vector Machines", 1999, has one sigmoid a label;
    labels of few clips have not enough outcomes for one of their own, and one for all keeps the
    order of the labels.

    Attributes
    ----------
    scale : float
        Above 0.
    offset : float
    """

    scale: float = 1.0
    offset: float = 0.0

    def __call__(self, decisions: Floats) -> Floats:
        """Map decisions to scores in [0, 1]."""
        values = self.scale * decisions + self.offset
        # The hyperbolic tangent does not overflow where the exponential function would.
        return np.asarray(0.5 * (1 + np.tanh(0.5 * values)), np.float32)

    def log_loss(self, decisions: Floats, truth: Truth) -> float:
        """Mean of ``-ln`` of what was claimed for each outcome; lower is better."""
        values = (self.scale * decisions + self.offset).astype(np.float64)
        return float(np.mean(np.logaddexp(0, np.where(truth, -values, values))))


def fit_calibration(decisions: Floats, truth: Truth) -> Calibration:
    """Fit to decisions or logits about sounds that were not learnt from.

    Newton's method on the log loss with Platt's targets: ``(n + 1) / (n + 2)`` instead of 1 and
    ``1 / (m + 2)`` instead of 0, for n outcomes that were so and m that were not.

    Parameters
    ----------
    decisions : ndarray of float32, of any shape
    truth : ndarray of bool, of that shape

    Returns
    -------
    Calibration
        Its scale is positive even if the decisions are worse than chance.
    """
    x = decisions.astype(np.float64).ravel()
    spread = float(x.std()) or 1.0
    yes = truth.ravel()
    positives, negatives = int(yes.sum()), int((~yes).sum())
    target = np.where(yes, (positives + 1) / (positives + 2), 1 / (negatives + 2))
    design = np.stack((x / spread, np.ones_like(x)), axis=1)
    weights = np.array([0.0, np.log((positives + 1) / (negatives + 1))])
    loss = _loss(design, target, weights)
    for _ in range(100):
        share = 0.5 * (1 + np.tanh(0.5 * (design @ weights)))
        gradient = design.T @ (share - target)
        curvature = (design * (share * (1 - share))[:, None]).T @ design + 1e-9 * np.eye(2)
        step = np.linalg.solve(curvature, gradient)
        # Far from the minimum a whole step can overshoot; half of it, or less, does not.
        tried = [weights - step / 2**halvings for halvings in range(30)]
        better = next((new for new in tried if _loss(design, target, new) < loss), None)
        if better is None:
            break
        before, weights, loss = loss, better, _loss(design, target, better)
        if before - loss <= 1e-9 * before:
            break
    return Calibration(max(float(weights[0] / spread), 1e-3), float(weights[1]))


def _loss(design: Doubles, target: Doubles, weights: Doubles) -> float:
    values = design @ weights
    return float(np.sum(np.logaddexp(0, values) - target * values))
