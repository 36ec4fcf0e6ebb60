"""What log-mel front ends compute, whatever computes them; NumPy only."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float32]
Doubles = npt.NDArray[np.float64]


@dataclass(frozen=True)
class LogMelSpec:
    """What a network expects to hear.

    Frequencies are in hertz, lengths in samples at `sample_rate`.
    """

    sample_rate: int
    fft: int
    window: int
    hop: int
    bands: int
    low: float
    high: float
    preemphasis: float = 0.97
    floor: float = 1e-5
    sounds_like: int | None = None
    """Sample rate whose log-mels these are to equal; its frames are as long and as far apart."""

    def frames(self, samples: int) -> int:
        """How many frames there are of a waveform of that many samples."""
        return (samples - 1) // self.hop + 1


EFFICIENTAT = LogMelSpec(32_000, fft=1024, window=800, hop=320, bands=128, low=0.0, high=15_000.0)
"""Front end of the EfficientAT taggers (arXiv 2211.04772)."""


def low_part(spec: LogMelSpec, bands: int) -> LogMelSpec:
    """Return the front end for half the sample rate that makes the lowest bands of `spec`.

    Up to half of the new rate they are the same bands of the same sounds: what a network learnt
    from the one holds for the other.
    """
    low, high = (float(hertz_to_mel(f)) for f in (spec.low, spec.high))
    edge = low + (high - low) * (bands + 1) / (spec.bands + 1)
    return replace(
        spec,
        sample_rate=spec.sample_rate // 2,
        fft=spec.fft // 2,
        window=spec.window // 2,
        hop=spec.hop // 2,
        bands=bands,
        high=700.0 * math.expm1(edge / 1127.0),
        sounds_like=spec.sample_rate,
    )


def hertz_to_mel(hertz: npt.ArrayLike) -> Doubles:
    """HTK mel scale: ``1127 ln(1 + f / 700)``."""
    mels: Doubles = 1127.0 * np.log1p(np.asarray(hertz, np.float64) / 700.0)
    return mels


def mel_filters(spec: LogMelSpec) -> Floats:
    """Triangles on the mel axis, not area-normalised, the Nyquist column zero.

    Returns
    -------
    ndarray of float32, shape (bands, fft / 2 + 1)
    """
    edges = np.linspace(hertz_to_mel(spec.low), hertz_to_mel(spec.high), spec.bands + 2)
    mels = hertz_to_mel(_bin_frequencies(spec))
    left, centre, right = edges[:-2, None], edges[1:-1, None], edges[2:, None]
    rising = (mels - left) / (centre - left)
    falling = (right - mels) / (right - centre)
    filters = np.maximum(np.minimum(rising, falling), 0.0) * _gain(spec)
    return np.pad(filters, ((0, 0), (0, 1))).astype(np.float32)


def hann(spec: LogMelSpec) -> Floats:
    """Return the symmetric Hann window that frames are weighted with, ``[window]``."""
    return np.hanning(spec.window).astype(np.float32)


def _bin_frequencies(spec: LogMelSpec) -> Doubles:
    return np.arange(spec.fft // 2) * spec.sample_rate / spec.fft


def _gain(spec: LogMelSpec) -> Doubles:
    """Factors of the powers that make up for another sample rate: ``[fft / 2]``.

    A sum over a frame grows with the rate, a power with its square; and the first difference of
    pre-emphasis falls on other frequencies.
    """
    hertz = _bin_frequencies(spec)
    if spec.sounds_like is None:
        return np.ones_like(hertz)

    def emphasis(rate: int) -> Doubles:
        angle = 2 * math.pi * hertz / rate
        gain: Doubles = 1 + spec.preemphasis**2 - 2 * spec.preemphasis * np.cos(angle)
        return gain

    like = spec.sounds_like
    return (like / spec.sample_rate) ** 2 * emphasis(like) / emphasis(spec.sample_rate)
