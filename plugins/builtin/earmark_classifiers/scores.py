"""What taggers do to the scores of their windows, whatever computed them; NumPy only."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float32]

QUIET_DBFS = (-70.0, -60.0)
"""Peak levels: below the first nothing is heard, above the second everything."""

SILENCE = "/m/028v0c"
"""AudioSet's id of the label "Silence"."""


def linear_softmax(scores: Floats) -> Floats:
    """Pool windows by ``sum p^2 / sum p`` for each label.

    The mean loses a short event in a long file, the maximum believes every outlier; weighting
    each window by its own score lies between (Wang et al., "A Comparison of Five Multiple
    Instance Learning Pooling Functions", arXiv 1810.09050).

    Parameters
    ----------
    scores : ndarray of float32, shape (windows, labels)
        In [0, 1].

    Returns
    -------
    ndarray of float32, shape (labels,)
        Between the smallest and the largest window score.
    """
    total = scores.sum(axis=0, dtype=np.float64)
    squares = np.square(scores, dtype=np.float64).sum(axis=0)
    pooled: Floats = np.divide(squares, total, out=np.zeros_like(total), where=total > 0).astype(
        np.float32
    )
    return pooled


def fade_quiet(scores: Floats, windows: Floats, silence: int) -> Floats:
    """Let scores fade to nothing, and "Silence" to one, where a window is next to silent.

    What peaks below `QUIET_DBFS` is noise of the recording chain.

    Parameters
    ----------
    scores : ndarray of float32, shape (windows, labels)
        In [0, 1].
    windows : ndarray of float32, shape (windows, samples)
        What was scored; full scale is [-1, 1].
    silence : int
        Column of the label "Silence".

    Returns
    -------
    ndarray of float32, shape (windows, labels)
        In [0, 1]; those of windows that peak above -60 dBFS as they were.
    """
    peak = np.abs(windows).max(axis=1)
    level = 20 * np.log10(np.maximum(peak, 1e-10))
    low, high = QUIET_DBFS
    heard = np.clip((level - low) / (high - low), 0.0, 1.0)[:, None]
    faded = scores * heard
    faded[:, silence] = np.maximum(scores[:, silence], 1 - heard[:, 0])
    result: Floats = faded.astype(np.float32)
    return result
