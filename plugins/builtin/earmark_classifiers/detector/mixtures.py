"""Laying short sounds over backgrounds: what a detector has to find is never alone."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float32]

SIGNAL_TO_NOISE_DB = (-3.0, 20.0)
"""Range of the level of the sound over the background, by root mean square where it sounds."""


def mix(sound: Floats, background: Floats, rng: np.random.Generator) -> Floats:
    """Lay a sound over a background window, at a random place and level.

    Parameters
    ----------
    sound : ndarray of float32, shape (n,)
        A longer one than the window is cut at random.
    background : ndarray of float32, shape (samples,)
        The window.
    rng : Generator

    Returns
    -------
    ndarray of float32, shape (samples,)
        The background keeps its level, unless the sum would go beyond full scale.
    """
    length = len(background)
    if len(sound) > length:
        begin = int(rng.integers(len(sound) - length + 1))
        sound = sound[begin : begin + length]
    place = int(rng.integers(length - len(sound) + 1))
    decibels = rng.uniform(*SIGNAL_TO_NOISE_DB)
    gain = 10 ** (decibels / 20) * max(_level(background), 1e-4) / max(_level(sound), 1e-6)
    mixed = background.copy()
    mixed[place : place + len(sound)] += np.float32(gain) * sound
    peak = float(np.abs(mixed).max())
    return mixed / np.float32(max(peak, 1.0))


def _level(samples: Floats) -> float:
    return float(np.sqrt(np.mean(np.square(samples, dtype=np.float64))))
