"""Changing how long a sound is without changing its pitch, or both at once."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import soxr

Floats = npt.NDArray[np.float32]

_FFT = 512
_HOP = _FFT // 4


def stretch_time(samples: Floats, factor: float) -> Floats:
    """Change the length of a sound and keep its pitch, with a phase vocoder.

    After Flanagan and Golden, "Phase Vocoder" (1966), as in Laroche and Dolson, "Improved Phase
    Vocoder Time-Scale Modification of Audio" (1999), section II: magnitudes are interpolated
    between frames, phases advance by what each bin advanced between them.

    Parameters
    ----------
    samples : ndarray of float32, shape (n,)
    factor : float
        2 makes it twice as long; positive.

    Returns
    -------
    ndarray of float32, shape (about n * factor,)
        At least one sample.
    """
    frames = _analyse(samples)
    places = np.arange(0, len(frames) - 1, 1 / factor)
    before = places.astype(np.int64)
    share = (places - before)[:, None]
    magnitude = (1 - share) * np.abs(frames[before]) + share * np.abs(frames[before + 1])
    phase = np.angle(frames)
    expected = 2 * np.pi * _HOP / _FFT * np.arange(frames.shape[1])
    surplus = phase[before + 1] - phase[before] - expected
    advance = expected + surplus - 2 * np.pi * np.round(surplus / (2 * np.pi))
    turned = phase[0] + np.concatenate((np.zeros((1, frames.shape[1])), advance[:-1])).cumsum(0)
    return _synthesise(magnitude * np.exp(1j * turned), max(1, round(len(samples) * factor)))


def change_speed(samples: Floats, factor: float) -> Floats:
    """Play a sound faster by `factor`: shorter and higher, without what the rate cannot hold.

    Parameters
    ----------
    samples : ndarray of float32, shape (n,), n >= 1
    factor : float
        2 is an octave up and half as long; positive.

    Returns
    -------
    ndarray of float32, shape (about n / factor,)
        At least one sample.
    """
    faster: Floats = soxr.resample(samples, factor, 1.0, quality="MQ")
    return faster if len(faster) else samples[:1].copy()


def _window() -> npt.NDArray[np.float64]:
    # Periodic, so that shifted squares add up to a constant.
    window: npt.NDArray[np.float64] = np.hanning(_FFT + 1)[:-1]
    return window


def _analyse(samples: Floats) -> npt.NDArray[np.complex128]:
    """Spectra of frames centred on every hop, ``[frames, bins]``; two frames at least."""
    padded = np.pad(samples, (_FFT // 2, _FFT // 2 + _HOP))
    frames = np.lib.stride_tricks.sliding_window_view(padded, _FFT)[::_HOP]
    spectra: npt.NDArray[np.complex128] = np.fft.rfft(frames * _window(), axis=1)
    return spectra


def _synthesise(spectra: npt.NDArray[np.complex128], length: int) -> Floats:
    """Add the frames up again, weighted so that an unchanged sound comes out as it was."""
    window = _window()
    frames = np.fft.irfft(spectra, n=_FFT, axis=1) * window
    total = np.zeros(_FFT + _HOP * (len(frames) - 1))
    weight = np.zeros_like(total)
    for number, frame in enumerate(frames):
        at = number * _HOP
        total[at : at + _FFT] += frame
        weight[at : at + _FFT] += window**2
    sound = (total / np.maximum(weight, 1e-3))[_FFT // 2 :]
    return np.resize(sound[: max(1, length)], length).astype(np.float32)
