"""Chroma: how the power of a spectrum spreads over the twelve semitones."""

from __future__ import annotations

from functools import cache

import numpy as np
import numpy.typing as npt

from earmark_classifiers.features.frames import bin_frequencies
from earmark_classifiers.features.names import PITCH_CLASSES

Floats = npt.NDArray[np.float32]

LOWEST_A_HERTZ = 27.5


def chroma(spectrum: Floats, length: int, sample_rate: int) -> Floats:
    """Return the shares of the twelve pitch classes, from A upwards.

    Every bin belongs to the semitone nearest to its frequency; a semitone has the mean power of
    its bins, since high ones have many; octaves are added and the twelve scaled to a sum of 1.
    Sources: Fujishima, "Realtime Chord Recognition of Musical Sound", ICMC 1999; Wakefield,
    "Mathematical Representation of Joint Time-Chroma Distributions", SPIE 1999.

    Parameters
    ----------
    spectrum : ndarray of float32, shape (..., length // 2)
        Of `frames.amplitude_spectrum`.
    length : int
        Samples of a frame.
    sample_rate : int
        In hertz.

    Returns
    -------
    ndarray of float32, shape (..., 12)
        In [0, 1]; zeros for silence.
    """
    powers = np.square(spectrum) @ _folding(length, sample_rate)
    total = powers.sum(axis=-1, keepdims=True)
    result: Floats = np.divide(powers, total, out=np.zeros_like(powers), where=total > 0)
    return result


def chroma_deviation(chroma: Floats) -> Floats:
    """Return the standard deviation over the twelve pitch classes, ``[...]``.

    High for a single note, low for noise. Source: Giannakopoulos 2015, table 1.
    """
    return np.asarray(chroma.std(axis=-1), np.float32)


@cache
def _folding(length: int, sample_rate: int) -> Floats:
    """Return weights ``[length // 2, 12]`` that take means within semitones and add octaves."""
    hertz = bin_frequencies(length, sample_rate)
    semitones = np.round(12 * np.log2(hertz / LOWEST_A_HERTZ)).astype(int)
    _, numbers, counts = np.unique(semitones, return_inverse=True, return_counts=True)
    weights = np.zeros((len(hertz), len(PITCH_CLASSES)), np.float32)
    weights[np.arange(len(hertz)), semitones % len(PITCH_CLASSES)] = 1 / counts[numbers]
    return weights
