"""What a detector knows of its short windows: what `audioset` hears in them, repeated."""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt

from earmark_classifiers.embedding_linear.describing import Embedder

Floats = npt.NDArray[np.float32]


def describe_short(embedder: Embedder, windows: Floats) -> tuple[Floats, Floats]:
    """Describe windows that are shorter than the embedder's, as it would hear a short clip.

    Parameters
    ----------
    embedder : Embedder
        Loaded.
    windows : ndarray of float32, shape (windows, samples)
        No longer than the embedder's window.

    Returns
    -------
    (ndarray, ndarray)
        See `Embedder.describe`.
    """
    length = embedder.window.samples(embedder.sample_rate)
    repeats = math.ceil(length / windows.shape[1])
    return embedder.describe(np.ascontiguousarray(np.tile(windows, (1, repeats))[:, :length]))
