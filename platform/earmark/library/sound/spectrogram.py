"""Spectrograms: how much of each pitch there is at each time. Pure.

Squared magnitudes of a short-time Fourier transform (Hann window of 2,048 samples), averaged into
bands whose middles lie at equal distances on a logarithmic scale, in decibels below the loudest
point of the sound.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float32]
Picture = npt.NDArray[np.uint8]

BANDS = 256
MOST_COLUMNS = 2048
RANGE_DB = 80.0
"""What lies so far below the loudest point is as black as silence."""

_LENGTH = 2048
_FIRST = 128  # samples of a column to begin with
_LONGEST_HOP = 1024
_LOWEST_HZ = 40.0
_AT_ONCE = 256  # transforms


class SpectrogramReducer:
    """Takes a sound block by block and keeps its picture, in memory that does not depend on it.

    When there are too many columns, every two become one.

    Parameters
    ----------
    sample_rate : int
    """

    def __init__(self, sample_rate: int) -> None:
        self._bands = band_weights(sample_rate)
        self._window = np.hanning(_LENGTH + 1)[:-1].astype(np.float32)
        self._step = _FIRST
        self._columns = np.zeros((MOST_COLUMNS, BANDS), np.float32)
        self._count = 0
        self._samples = 0
        # The first column is about the beginning, so its window begins half a window before.
        self._rest: Floats = np.zeros(_LENGTH // 2, np.float32)

    def push(self, block: Floats) -> None:
        """Take in the next samples, of shape (n,)."""
        self._samples += len(block)
        self._take(block)

    def finish(self) -> Picture:
        """Return the picture: shape (columns, `BANDS`), the lowest band first."""
        self._take(np.zeros(_LENGTH + 2 * self._step, np.float32))
        count = max(1, min(self._count, -(-self._samples // self._step)))
        power = self._columns[:count]
        loudest = float(power.max())
        if loudest <= 0:
            return np.zeros(power.shape, np.uint8)
        decibels = 10 * np.log10(np.maximum(power / loudest, 1e-12))
        picture: Picture = np.rint(np.clip(1 + decibels / RANGE_DB, 0, 1) * 255).astype(np.uint8)
        return picture

    def _take(self, block: Floats) -> None:
        samples = np.concatenate([self._rest, block])
        while True:
            if self._count == MOST_COLUMNS:
                self._fold()
            fits = min(self._complete(len(samples)), MOST_COLUMNS - self._count)
            if fits <= 0:
                break
            self._add(samples, fits)
            samples = samples[fits * self._step :]
        self._rest = samples

    @property
    def _hop(self) -> int:
        return min(self._step, _LONGEST_HOP)

    def _complete(self, length: int) -> int:
        """Return how many columns so many samples are enough for, or a few less."""
        last_hop = self._step - self._hop
        most = (length - _LENGTH - last_hop) // self._step + 1
        return min(most, max(1, _AT_ONCE * self._hop // self._step))

    def _add(self, samples: Floats, columns: int) -> None:
        each = self._step // self._hop
        frames = np.lib.stride_tricks.sliding_window_view(samples, _LENGTH)[:: self._hop]
        spectra = np.fft.rfft(frames[: columns * each] * self._window, axis=1)
        power = (spectra.real**2 + spectra.imag**2).astype(np.float32)
        # The mean first: it leaves fewer rows to weigh.
        means = power.reshape(columns, each, -1).mean(axis=1)
        self._columns[self._count : self._count + columns] = means @ self._bands
        self._count += columns

    def _fold(self) -> None:
        half = self._count // 2
        self._columns[:half] = self._columns.reshape(half, 2, BANDS).mean(axis=1)
        self._count = half
        self._step *= 2


def band_weights(sample_rate: int) -> Floats:
    """Return how much each bin of the transform adds to each band: shape (bins, `BANDS`).

    A band reaches to the middles of its neighbours, and at least one bin to either side; weights
    of a band sum to one.
    """
    highest = sample_rate / 2
    middles = np.geomspace(min(_LOWEST_HZ, highest / 10), highest, BANDS + 2)
    bins = middles * _LENGTH / sample_rate
    below = np.maximum(bins[1:-1] - bins[:-2], 1.0)
    above = np.maximum(bins[2:] - bins[1:-1], 1.0)
    distance = np.arange(_LENGTH // 2 + 1)[:, None] - bins[1:-1]
    weights = np.clip(1 - np.where(distance < 0, -distance / below, distance / above), 0, 1)
    shares: Floats = (weights / weights.sum(axis=0)).astype(np.float32)
    return shares


def resize(picture: Picture, width: int, height: int) -> Picture:
    """Return a picture for the screen: shape (height, width), the highest band on top.

    Columns that share a pixel are averaged; where there are too few, they are repeated.
    """
    columns = len(picture)
    rows = (np.arange(height) * BANDS // height)[::-1]
    if width >= columns:
        across = picture[np.arange(width) * columns // width]
    else:
        edges = np.arange(width) * columns // width
        counts = np.diff(np.append(edges, columns))[:, None]
        across = np.add.reduceat(picture.astype(np.uint32), edges, axis=0) // counts
    return np.ascontiguousarray(across[:, rows].T.astype(np.uint8))
