"""Whether a confidence can be read as the share of times it is right. Pure NumPy.

Reliability bins and the expected calibration error are those of Guo et al., "On Calibration of
Modern Neural Networks", arXiv 1706.04599: bins of equal width, gaps weighted by how full they are.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

Doubles = npt.NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Reliability:
    """What was claimed and what came true, bin by bin; NaN where a bin is empty.

    Attributes
    ----------
    edges : ndarray of float64, shape (bins + 1,)
        From 0 to 1; a bin holds its upper edge, the first one also 0.
    count : ndarray of int64, shape (bins,)
    confidence, share : ndarray of float64, shape (bins,)
        Mean confidence, and share of cases that were right.
    error : float
        Expected calibration error: mean gap between both over all cases; NaN without cases.
    """

    edges: Doubles
    count: npt.NDArray[np.int64]
    confidence: Doubles
    share: Doubles
    error: float


def reliability(
    confidence: npt.NDArray[np.floating[Any]], right: npt.NDArray[np.bool_], bins: int = 10
) -> Reliability:
    """Compare confidence with outcome.

    Parameters
    ----------
    confidence : ndarray, shape (cases,)
        In [0, 1].
    right : ndarray of bool, shape (cases,)
    bins : int

    Raises
    ------
    ValueError
        If the shapes differ or a confidence is not in [0, 1].
    """
    if confidence.shape != right.shape or confidence.ndim != 1:
        raise ValueError(f"confidence {confidence.shape} and outcome {right.shape} must be equal")
    values = confidence.astype(np.float64)
    if len(values) and not (np.isfinite(values).all() and 0 <= values.min() <= values.max() <= 1):
        raise ValueError("confidence must lie in [0, 1]")
    edges = np.linspace(0.0, 1.0, bins + 1)
    place = np.clip(np.searchsorted(edges, values, side="left") - 1, 0, bins - 1)
    count = np.bincount(place, minlength=bins)
    nothing = np.full(bins, np.nan)
    claimed, came = (
        np.divide(np.bincount(place, w, bins), count, out=nothing.copy(), where=count > 0)
        for w in (values, right.astype(np.float64))
    )
    full = count > 0
    gap = np.abs(claimed[full] - came[full]) * count[full]
    error = float(gap.sum() / len(values)) if len(values) else float("nan")
    return Reliability(edges, count.astype(np.int64), claimed, came, error)
