"""Random spectra that sounds are altered with, for users' classifiers and for `audioset` alike."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float32]
Doubles = npt.NDArray[np.float64]


def draw_equaliser(
    samples: int, sample_rate: int, rng: np.random.Generator, highest_cut: float
) -> Doubles:
    """Draw the gains of an equaliser of eight bands within 12 dB, now and then with a low-pass.

    Parameters
    ----------
    samples : int
        Length of the sound.
    sample_rate : int
        In hertz.
    rng : Generator
    highest_cut : float
        The low-pass cuts between 1,500 Hz and here.

    Returns
    -------
    ndarray of float64, shape (samples // 2 + 1,)
        Factors of its real Fourier transform.
    """
    hertz = np.linspace(0, sample_rate / 2, samples // 2 + 1)
    points = np.geomspace(50, sample_rate / 2, 8)
    curve: Doubles = 10 ** (np.interp(hertz, points, rng.uniform(-12, 12, 8)) / 20)
    if rng.random() < 0.3:
        curve /= np.sqrt(1 + (hertz / rng.uniform(1_500, highest_cut)) ** 8)
    return curve


def draw_noise(samples: int, rng: np.random.Generator) -> Floats:
    """Draw noise between white and brown that peaks 5 to 40 dB below full scale."""
    bins = samples // 2 + 1
    white = rng.standard_normal(bins) + 1j * rng.standard_normal(bins)
    slope = np.arange(1, bins + 1, dtype=np.float64) ** -rng.uniform(0, 1)
    noise = np.fft.irfft(white * slope, n=samples)
    noise *= 10 ** (-rng.uniform(5, 40) / 20) / np.abs(noise).max()
    drawn: Floats = noise.astype(np.float32)
    return drawn
