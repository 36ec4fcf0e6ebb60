"""Where the energy of a sound goes: narrow peaks, short bursts, or neither.

Pure functions over arrays. The idea is that of separating harmonic, percussive and residual
parts in a spectrogram (Fitzgerald, "Harmonic/percussive separation using median filtering",
DAFx 2010; Driedger, Müller, Disch, "Extending harmonic-percussive separation of audio signals",
ISMIR 2014): a tone stands above its neighbours in frequency, a click above its neighbours in
time. Here the neighbourhood is measured by the mean of the log power, the numerator of spectral
flatness, which costs a running sum instead of a median filter.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

FRAME = 1024
"""Samples of a spectrogram frame: 64 ms and 15.6 Hz a bin at 16 kHz."""

HOP = 512
"""Samples from frame to frame."""

SILENT_RMS = 10 ** (-70 / 20)
"""A frame below -70 dBFS is silent."""

PEAK_RATIO = 12.3
"""A bin this far above the geometric means below and above it belongs to a tone.

The power of noise in a bin is exponentially distributed with mean m and geometric mean 0.561 m.
The bins above t = 12.3 * 0.561 = 6.9 means hold (1 + t) exp(-t) = 0.8 % of its energy, so white
noise is hardly mistaken for tone.
"""

PEAK_SIDE = 14
"""Bins below and above a bin with which it is compared: 220 Hz at 16 kHz."""

BURST_RATIO = 4.0
"""A frame this far (6 dB) above the frames before and after it is a click."""

BURST_SIDE = 3
"""Frames before and after a frame with which it is compared: 0.1 s at 16 kHz."""

BURST_REACH = 64
"""Bins to each side over which a burst is averaged: 1 kHz, so that no single tone makes one."""

GUARD = 2
"""Next bins or frames on each side that are left out, because they may hold the same event."""

FLOOR = 1e-6
"""Log power is taken above -60 dB of the window's mean bin, where window sidelobes end."""

Power = npt.NDArray[np.float64]
Bins = npt.NDArray[np.intp]


def energy_shares(windows: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
    """Measure tone, noise, click and silence of each window.

    Parameters
    ----------
    windows : ndarray of float32, shape (windows, samples)
        Mono, each at least `FRAME` samples long.

    Returns
    -------
    ndarray of float32, shape (windows, 4)
        Columns: share of the energy in narrow peaks (tone), in neither peaks nor bursts (noise),
        in bursts shorter than about 0.1 s (click), and share of the frames that are silent.
        The first three add up to 1, or are all 0 where every frame is silent.
    """
    frames = np.lib.stride_tricks.sliding_window_view(windows, FRAME, axis=1)[:, ::HOP]
    centred = frames - frames.mean(axis=2, keepdims=True, dtype=np.float64)
    sounding = np.sqrt(np.square(centred).mean(axis=2)) >= SILENT_RMS
    spectra = np.fft.rfft(centred * np.hanning(FRAME), axis=2)[..., 1:]
    power = np.square(np.abs(spectra)) * sounding[..., None]
    total = power.sum(axis=(1, 2))
    click_bins, tone_bins = _bursts_and_peaks(power)
    click = (power * click_bins).sum(axis=(1, 2))
    tone = (power * tone_bins).sum(axis=(1, 2))
    energies = np.stack([tone, total - tone - click, click], axis=1)
    shares = energies / np.where(total > 0, total, 1.0)[:, None]
    silence = 1.0 - sounding.mean(axis=1)
    result: npt.NDArray[np.float32] = np.column_stack([shares, silence]).astype(np.float32)
    return np.clip(result, 0.0, 1.0)  # rounding may leave -1e-17


def _bursts_and_peaks(power: Power) -> tuple[npt.NDArray[np.bool_], npt.NDArray[np.bool_]]:
    """Tell for each bin of (windows, frames, bins) whether a click or a tone put it there."""
    floor = FLOOR * power.mean(axis=(1, 2), keepdims=True) + np.finfo(np.float64).tiny
    level = np.log(power + floor)
    across_time = np.swapaxes(_local_mean(level, BURST_REACH), 1, 2)
    bursts = np.swapaxes(_above_sides(across_time, BURST_SIDE) > np.log(BURST_RATIO), 1, 2)
    peaks = _above_sides(level, PEAK_SIDE) > np.log(PEAK_RATIO)
    peaks[..., :GUARD] = False  # nothing below to stand above: the foot of every rumble
    return bursts, peaks & ~bursts


def _above_sides(level: Power, side: int) -> Power:
    """How far each value stands above the louder of its two sides on the last axis.

    A side is the mean of up to `side` values beyond `GUARD`; at an edge the other side decides.
    """
    here = np.arange(level.shape[2])
    below = _range_mean(level, here - GUARD - side, here - GUARD)
    above = _range_mean(level, here + GUARD + 1, here + GUARD + 1 + side)
    return level - np.maximum(below, above)


def _local_mean(level: Power, reach: int) -> Power:
    """Mean over the values from -`reach` to +`reach` on the last axis, fewer at the edges."""
    here = np.arange(level.shape[2])
    return _range_mean(level, here - reach, here + reach + 1)


def _range_mean(level: Power, start: Bins, stop: Bins) -> Power:
    """Mean of ``level[..., start[i]:stop[i]]`` for each i, cut to what exists; -inf of nothing."""
    size = level.shape[2]
    start, stop = np.clip(start, 0, size), np.clip(stop, 0, size)
    sums = np.concatenate([np.zeros_like(level[..., :1]), np.cumsum(level, axis=2)], axis=2)
    count = stop - start
    mean = (sums[..., stop] - sums[..., start]) / np.maximum(count, 1)
    return np.where(count > 0, mean, -np.inf)
