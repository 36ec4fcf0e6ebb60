"""Sounds the checks play to a classifier: synthetic, seeded, the same on every machine."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from earmark_plugin_api.manifest import Manifest

Samples = npt.NDArray[np.float32]

PROBE_RMS = 0.1
"""Level of the probe sounds, -20 dBFS: an ordinary recording, with room below and above."""


def _times(length: int, rate: int) -> npt.NDArray[np.float64]:
    return np.arange(length) / rate


def _at_level(samples: npt.NDArray[np.float64], rms: float = PROBE_RMS) -> Samples:
    power = float(np.sqrt(np.mean(np.square(samples)))) or 1.0
    return (samples * (rms / power)).astype(np.float32)


def tone(length: int, rate: int, hertz: float = 440.0) -> Samples:
    """One steady sine."""
    return _at_level(np.sin(2 * np.pi * hertz * _times(length, rate)))


def harmonics(length: int, rate: int, hertz: float = 220.0) -> Samples:
    """Eight partials with a slow tremolo, like an organ or a held voice."""
    t = _times(length, rate)
    partials = [np.sin(2 * np.pi * hertz * k * t) / k for k in range(1, 9)]
    return _at_level(np.sum(partials, axis=0) * (1 + 0.3 * np.sin(2 * np.pi * 5 * t)))


def noise(length: int, seed: int = 1) -> Samples:
    """White noise."""
    return _at_level(np.random.default_rng(seed).standard_normal(length))


def surf(length: int, rate: int, seed: int = 2) -> Samples:
    """Dull noise (each sample the mean of eight) that swells and falls, like waves."""
    white = np.random.default_rng(seed).standard_normal(length + 7)
    dull = np.convolve(white, np.full(8, 1 / 8), mode="valid")
    return _at_level(dull * (1.1 + np.sin(2 * np.pi * 0.7 * _times(length, rate))))


def clicks(length: int, rate: int, per_second: float = 5.0) -> Samples:
    """Short decaying bursts of noise, like ticking or knocking."""
    since_click = np.mod(_times(length, rate), 1 / per_second)
    burst = np.random.default_rng(3).standard_normal(length)
    return _at_level(burst * np.exp(-since_click / 0.004))


def siren(length: int, rate: int) -> Samples:
    """A sine that glides between 600 and 1,200 Hz twice a second."""
    hertz = 900 + 300 * np.sin(2 * np.pi * 2 * _times(length, rate))
    return _at_level(np.sin(2 * np.pi * np.cumsum(hertz) / rate))


def probe_sounds(length: int, rate: int) -> dict[str, Samples]:
    """Six sounds as unlike as simple formulas allow, all at `PROBE_RMS`.

    Returns
    -------
    dict of str to ndarray of float32, shape (length,)
    """
    return {
        "tone": tone(length, rate),
        "harmonics": harmonics(length, rate),
        "noise": noise(length),
        "surf": surf(length, rate),
        "clicks": clicks(length, rate),
        "siren": siren(length, rate),
    }


def probe_windows(manifest: Manifest) -> Samples:
    """`probe_sounds` as a batch.

    Returns
    -------
    ndarray of float32, shape (6, ``manifest.window_samples``)
    """
    return np.stack(list(probe_sounds(manifest.window_samples, manifest.sample_rate).values()))


def extreme_sounds(length: int) -> dict[str, Samples]:
    """Sounds that are legal, rare and hard on arithmetic.

    Returns
    -------
    dict of str to ndarray of float32, shape (length,)
    """
    white = np.random.default_rng(4).standard_normal(length).astype(np.float32)
    impulse = np.zeros(length, np.float32)
    impulse[length // 2] = 1.0
    return {
        "digital silence": np.zeros(length, np.float32),
        "a constant 0.5 (DC)": np.full(length, 0.5, np.float32),
        "noise clipped to full scale": np.clip(20 * white, -1, 1).astype(np.float32),
        "noise ten times over full scale": 10 * white,
        "one single impulse": impulse,
        "values of 1e-38 (denormal powers)": np.full(length, 1e-38, np.float32),
        "alternating full scale (Nyquist)": np.resize(np.array([1, -1], np.float32), length),
    }
