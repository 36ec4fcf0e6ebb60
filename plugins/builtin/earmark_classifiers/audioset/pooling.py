"""From the window scores of a file to its clip scores; NumPy only."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

Scores = npt.NDArray[np.float32]


def linear_softmax(scores: Scores) -> Scores:
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
    pooled: Scores = np.divide(squares, total, out=np.zeros_like(total), where=total > 0).astype(
        np.float32
    )
    return pooled
