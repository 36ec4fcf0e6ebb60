"""Mel-frequency cepstral coefficients."""

from __future__ import annotations

from functools import cache

import numpy as np
import numpy.typing as npt

from earmark_classifiers.features.frames import bin_frequencies
from earmark_classifiers.features.names import MFCC_COUNT

Floats = npt.NDArray[np.float32]

LINEAR_FILTERS, LOG_FILTERS = 13, 27
LOWEST_HERTZ, LINEAR_SPACING = 400 / 3, 200 / 3
LOG_SPACING = 1.0711703

FLOOR = 1e-8
"""Added before the logarithm: -160 dB, far below the noise of any recording."""


def mfcc(spectrum: Floats, length: int, sample_rate: int) -> Floats:
    """Return the first 13 cepstral coefficients of amplitude spectra.

    ``mfcc_1`` grows with the level, the others do not depend on it. Sources: Davis and
    Mermelstein, "Comparison of Parametric Representations for Monosyllabic Word Recognition",
    IEEE Trans. ASSP 28(4), 1980; filters of Slaney, "Auditory Toolbox", Interval Research 1998;
    decimal logarithm and orthonormal DCT-II as in pyAudioAnalysis.

    Parameters
    ----------
    spectrum : ndarray of float32, shape (..., length // 2)
        Of `frames.amplitude_spectrum`.
    length : int
        Samples of a frame.
    sample_rate : int
        In hertz. Below 13.7 kHz the highest filters lie beyond Nyquist and stay empty.

    Returns
    -------
    ndarray of float32, shape (..., 13)
    """
    bands = np.log10(spectrum @ mel_filters(length, sample_rate) + np.float32(FLOOR))
    result: Floats = bands @ _cosines()
    return result


@cache
def mel_filters(length: int, sample_rate: int) -> Floats:
    """Return Slaney's 40 triangles of unit area, ``[length // 2, 40]``.

    The first 13 centres are 66.7 Hz apart from 200 Hz on, the others grow by 7.1%.
    """
    linear = LOWEST_HERTZ + LINEAR_SPACING * np.arange(LINEAR_FILTERS)
    logarithmic = linear[-1] * LOG_SPACING ** np.arange(1, LOG_FILTERS + 3)
    edges = np.concatenate((linear, logarithmic))
    low, centre, high = edges[:-2], edges[1:-1], edges[2:]
    hertz = bin_frequencies(length, sample_rate)[:, None]
    rising = (hertz - low) / (centre - low)
    falling = (high - hertz) / (high - centre)
    triangles = np.maximum(np.minimum(rising, falling), 0) * 2 / (high - low)
    return np.asarray(triangles, np.float32)


@cache
def _cosines() -> Floats:
    """Return the orthonormal DCT-II as a matrix ``[40, 13]``."""
    bands = LINEAR_FILTERS + LOG_FILTERS
    angles = np.pi / bands * (np.arange(bands)[:, None] + 0.5) * np.arange(MFCC_COUNT)
    matrix = np.cos(angles) * np.sqrt(2 / bands)
    matrix[:, 0] /= np.sqrt(2)
    return np.asarray(matrix, np.float32)
