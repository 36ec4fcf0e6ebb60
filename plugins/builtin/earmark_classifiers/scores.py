"""What taggers do to the scores of their windows, whatever computed them; NumPy only."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float32]

QUIET_DBFS = (-70.0, -60.0)
"""Peak levels: below the first nothing is heard, above the second everything."""

SILENCE = "/m/028v0c"
"""AudioSet's id of the label "Silence"."""


def quadratic_softmax(scores: Floats) -> Floats:
    """Pool windows by ``sum p^3 / sum p^2`` for each label.

    Each window is weighted by its own score, squared. The mean loses a short event in a long
    file, the maximum believes every outlier. Linear softmax, ``sum p^2 / sum p`` (Wang et al., "A
    Comparison of Five Multiple Instance Learning Pooling Functions", arXiv 1810.09050), lies
    between, but loses more the longer the file; see ``docs/adr/0003-pooling.md``.

    Parameters
    ----------
    scores : ndarray of float32, shape (windows, labels)
        In [0, 1].

    Returns
    -------
    ndarray of float32, shape (labels,)
        Between the smallest and the largest window score.
    """
    # einsum casts piece by piece: ten hours of windows are not copied to float64 as a whole.
    total = np.einsum("ij,ij->j", scores, scores, dtype=np.float64)
    cubes = np.einsum("ij,ij,ij->j", scores, scores, scores, dtype=np.float64)
    pooled = np.divide(cubes, total, out=np.zeros_like(total), where=total > 0)
    # Rounding must not lift a label above its best window.
    result: Floats = pooled.astype(np.float32).clip(scores.min(axis=0), scores.max(axis=0))
    return result


def pool_owned(
    scores: Floats,
    owners: npt.NDArray[np.int64],
    pool: Callable[[Floats], Floats] = quadratic_softmax,
) -> Floats:
    """Pool the windows of several clips, clip by clip.

    Parameters
    ----------
    scores : ndarray of float32, shape (windows, labels)
    owners : ndarray of int64, shape (windows,)
        Number of the clip a window is of; windows of one clip follow each other.
    pool : callable
        Maps the windows of a clip to its scores.

    Returns
    -------
    ndarray of float32, shape (clips, labels)
        In the order of their windows.
    """
    parts = np.split(scores, np.flatnonzero(np.diff(owners)) + 1)
    return np.stack([pool(part) for part in parts])


def heard_share(windows: Floats) -> Floats:
    """Say how much of each window can be heard: 0 below, 1 above `QUIET_DBFS`, a ramp between.

    A classifier without a label for silence multiplies its scores by it; see `fade_quiet` for one
    that has such a label.

    Parameters
    ----------
    windows : ndarray of float32, shape (windows, samples)
        Full scale is [-1, 1].

    Returns
    -------
    ndarray of float32, shape (windows, 1)
        In [0, 1].
    """
    peak = np.abs(windows).max(axis=1, keepdims=True)
    level = 20 * np.log10(np.maximum(peak, 1e-10))
    low, high = QUIET_DBFS
    share: Floats = np.clip((level - low) / (high - low), 0.0, 1.0).astype(np.float32)
    return share


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
    heard = heard_share(windows)
    faded = scores * heard
    faded[:, silence] = np.maximum(scores[:, silence], 1 - heard[:, 0])
    result: Floats = faded.astype(np.float32)
    return result
