"""Features that describe the shape of a frame's waveform or spectrum by one number.

Frames are ``[..., frames, length]`` with values around [-1, 1], spectra the amplitudes
``[..., frames, bins]`` of `frames.amplitude_spectrum`; every function returns ``[..., frames]``.
The set of features is that of Giannakopoulos, "pyAudioAnalysis: An Open-Source Python Library for
Audio Signal Analysis", PLoS ONE 10(12), 2015, table 1. Frames of digital silence give 0.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float32]

BLOCKS = 10
"""Parts of equal length a frame or spectrum is divided into for the entropies."""

ROLLOFF_SHARE = 0.9


def zero_crossing_rate(frames: Floats) -> Floats:
    """Share of neighbouring samples with different signs, in [0, 1].

    Zero counts as positive. Source: Kedem, "Spectral Analysis and Discrimination by
    Zero-Crossings", Proc. IEEE 74, 1986. A sine of f hertz gives ``2 f / sample_rate``.
    """
    negative = np.signbit(frames) & (frames != 0)
    crossings = np.count_nonzero(negative[..., 1:] != negative[..., :-1], axis=-1)
    return np.asarray(crossings / (frames.shape[-1] - 1), np.float32)


def energy(frames: Floats) -> Floats:
    """Mean of the squared samples: 0.5 for a sine of full scale."""
    return np.asarray(np.mean(np.square(frames), axis=-1), np.float32)


def energy_entropy(frames: Floats) -> Floats:
    """Entropy in bits of how the energy spreads over ten blocks of the frame, in [0, 3.33].

    Low where energy changes suddenly. Source: Giannakopoulos et al., "Violence Content
    Classification Using Audio Features", SETN 2006, equation 2.
    """
    return _block_entropy(np.square(frames))


def spectral_centroid(spectrum: Floats) -> Floats:
    """Centre of gravity of the amplitudes as a share of the Nyquist frequency, in [0, 1].

    Source: Tzanetakis and Cook, "Musical Genre Classification of Audio Signals", IEEE Trans.
    Speech and Audio Processing 10(5), 2002.
    """
    return np.asarray(_shares(spectrum) @ _positions(spectrum), np.float32)


def spectral_spread(spectrum: Floats) -> Floats:
    """Standard deviation of frequency around the centroid, a share of Nyquist, in [0, 0.5].

    Source: Peeters, "A Large Set of Audio Features for Sound Description", IRCAM 2004, 6.1.2.
    """
    shares, positions = _shares(spectrum), _positions(spectrum)
    distances = positions - (shares @ positions)[..., None]
    return np.asarray(np.sqrt(np.sum(shares * np.square(distances), axis=-1)), np.float32)


def spectral_entropy(spectrum: Floats) -> Floats:
    """Entropy in bits of how the power spreads over ten bands of equal width, in [0, 3.33].

    Source: Misra et al., "Spectral Entropy Based Feature for Robust ASR", ICASSP 2004.
    """
    return _block_entropy(np.square(spectrum))


def spectral_flux(spectrum: Floats) -> Floats:
    """Squared distance between the normalised spectra of a frame and the one before.

    The first frame, which has no predecessor, gives 0. Source: Tzanetakis and Cook 2002; spectra
    are normalised to a sum of 1, so that a change of level alone is none.
    """
    shares = _shares(spectrum)
    flux = np.zeros(spectrum.shape[:-1], np.float32)
    flux[..., 1:] = np.sum(np.square(np.diff(shares, axis=-2)), axis=-1)
    return flux


def spectral_rolloff(spectrum: Floats) -> Floats:
    """Return the share of Nyquist below which 90% of the power lies, in [0, 1].

    Source: Scheirer and Slaney, "Construction and Evaluation of a Robust Multifeature
    Speech/Music Discriminator", ICASSP 1997 (there 95%; 90% as in pyAudioAnalysis).
    """
    power = np.cumsum(np.square(spectrum, dtype=np.float64), axis=-1)
    total = power[..., -1:]
    below = np.count_nonzero(power < ROLLOFF_SHARE * total, axis=-1)
    heard = total[..., 0] > 0
    return np.asarray(heard * (below + 1) / spectrum.shape[-1], np.float32)


def _positions(spectrum: Floats) -> Floats:
    bins = spectrum.shape[-1]
    return np.linspace(1 / bins, 1, bins, dtype=np.float32)


def _shares(values: Floats) -> Floats:
    """Scale the last axis to a sum of 1; all zeros stay zeros."""
    total = values.sum(axis=-1, keepdims=True)
    shares: Floats = np.divide(values, total, out=np.zeros_like(values), where=total > 0)
    return shares


def _block_entropy(powers: Floats) -> Floats:
    length = powers.shape[-1] // BLOCKS * BLOCKS
    blocks = powers[..., :length].reshape(*powers.shape[:-1], BLOCKS, -1).sum(axis=-1)
    shares = _shares(blocks)
    logs = np.log2(shares, out=np.zeros_like(shares), where=shares > 0)
    return np.asarray(-np.sum(shares * logs, axis=-1), np.float32) + np.float32(0)
