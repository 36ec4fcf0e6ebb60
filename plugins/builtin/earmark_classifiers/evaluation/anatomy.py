"""What a sound looks like: envelope, spectrum, log-mel spectrogram, cepstrum, level.

One pass over blocks of any size, in memory that does not depend on the length of the sound: rows
that have become too many for a picture are joined in pairs, again and again. Pure NumPy.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from earmark_classifiers.features.cepstrum import mfcc
from earmark_classifiers.features.frames import amplitude_spectrum, bin_frequencies
from earmark_classifiers.features.names import MFCC_COUNT

Floats = npt.NDArray[np.float32]
Doubles = npt.NDArray[np.float64]

COLUMNS = 320
"""Between so many and twice as many columns the spectrogram of a long sound has: each is at least a
pixel wide in a picture, so that no short event is lost in drawing."""

POINTS = 1000
"""The same for the envelope."""

BANDS = 96
FRAME_SECONDS = 0.04
SHORT_SECONDS = 120.0
"""Up to this length frames overlap; longer sounds have columns of many frames anyway."""

LOWEST_DB = -120.0
ENVELOPE_SAMPLES = 16
"""Samples joined at once; a sound of up to a second is shown sample by sample."""

FRAMES_AT_ONCE = 256


@dataclass(frozen=True, eq=False)
class Anatomy:
    """What there is to see of a sound.

    Attributes
    ----------
    seconds : float
    sample_rate : int
        In hertz, of the samples looked at.
    peak, rms : float
        In dB relative to full scale, not below `LOWEST_DB`.
    envelope : ndarray of float32, shape (points, 2)
        Lowest and highest sample of stretches of `envelope_seconds`.
    spectrum : ndarray of float64, shape (bins,)
        Mean power over the whole sound, as the level of a sine in dBFS.
    frequencies : ndarray of float64, shape (bins,)
        In hertz.
    log_mel : ndarray of float64, shape (columns, bands)
        Mean power in columns of `column_seconds`, in dBFS.
    mel_hertz : ndarray of float64, shape (bands,)
        Centres of the bands.
    cepstrum : ndarray of float64, shape (columns, 13)
        Mean MFCCs, see `earmark_classifiers.features.cepstrum`.
    """

    seconds: float
    sample_rate: int
    peak: float
    rms: float
    envelope: Floats
    envelope_seconds: float
    spectrum: Doubles
    frequencies: Doubles
    log_mel: Doubles
    mel_hertz: Doubles
    cepstrum: Doubles
    column_seconds: float


class Dissection:
    """Takes a sound block by block and tells its anatomy at the end.

    Parameters
    ----------
    sample_rate : int
        In hertz.
    seconds : float or None
        Length, if known.
    """

    def __init__(self, sample_rate: int, seconds: float | None = None) -> None:
        self._rate = sample_rate
        self._length = max(32, round(FRAME_SECONDS * sample_rate))
        short = seconds is not None and seconds <= SHORT_SECONDS
        self._hop = self._length // 4 if short else self._length
        self._stretch = 1 if seconds is not None and seconds <= 1 else ENVELOPE_SAMPLES
        self._filters = mel_triangles(self._length, sample_rate)
        # What no frame has begun with yet. Silence before the sound puts the middle of the first
        # frame into the middle of its column.
        self._buffer = np.zeros((self._length - self._hop) // 2, np.float32)
        self._tail = np.zeros(0, np.float32)  # what is in no stretch of the envelope yet
        self._samples, self._squares, self._peak = 0, 0.0, 0.0
        self._power = np.zeros(self._length // 2)
        self._frames = 0
        self._lowest = _Joined(1, np.minimum, POINTS)
        self._highest = _Joined(1, np.maximum, POINTS)
        self._mel = _Joined(BANDS, np.add, COLUMNS)
        self._cepstrum = _Joined(MFCC_COUNT, np.add, COLUMNS)

    def push(self, block: Floats) -> None:
        """Take in the next samples, float32 of shape (n,), all finite."""
        self._samples += len(block)
        self._squares += float(np.einsum("i,i->", block, block, dtype=np.float64))
        self._peak = max(self._peak, float(np.abs(block).max(initial=0.0)))
        self._tail = np.concatenate((self._tail, block))
        whole = len(self._tail) // self._stretch * self._stretch
        self._add_envelope(self._tail[:whole].reshape(-1, self._stretch))
        self._tail = self._tail[whole:]
        self._buffer = np.concatenate((self._buffer, block))
        self._take_frames()

    def finish(self) -> Anatomy:
        """Tell what was seen.

        Raises
        ------
        ValueError
            If not one sample came.
        """
        if not self._samples:
            raise ValueError("a sound without samples has no anatomy")
        if len(self._tail):
            self._add_envelope(self._tail[None])
        if missing := -(-self._samples // self._hop) - self._frames:
            silence = self._length + (missing - 1) * self._hop - len(self._buffer)
            self._buffer = np.append(self._buffer, np.zeros(silence, np.float32))
            self._take_frames()
        frames = self._mel.counts[:, None]
        return Anatomy(
            seconds=self._samples / self._rate,
            sample_rate=self._rate,
            peak=float(decibels(self._peak**2)),
            rms=float(decibels(self._squares / self._samples)),
            envelope=np.hstack([self._lowest.rows, self._highest.rows]).astype(np.float32),
            envelope_seconds=self._lowest.joined * self._stretch / self._rate,
            spectrum=decibels(self._power / self._frames),
            frequencies=bin_frequencies(self._length, self._rate),
            log_mel=decibels(self._mel.rows / frames),
            mel_hertz=mel_centres(self._rate),
            cepstrum=self._cepstrum.rows / frames,
            column_seconds=self._mel.joined * self._hop / self._rate,
        )

    def _add_envelope(self, stretches: Floats) -> None:
        self._lowest.add(stretches.min(axis=1)[:, None])
        self._highest.add(stretches.max(axis=1)[:, None])

    def _take_frames(self) -> None:
        while len(self._buffer) >= self._length:
            views = np.lib.stride_tricks.sliding_window_view(self._buffer, self._length)
            frames = views[:: self._hop][:FRAMES_AT_ONCE]
            amplitudes = amplitude_spectrum(frames)
            power = amplitudes.astype(np.float64) ** 2
            self._power += power.sum(axis=0)
            self._frames += len(frames)
            self._mel.add(power @ self._filters)
            self._cepstrum.add(mfcc(amplitudes, self._length, self._rate))
            self._buffer = self._buffer[len(frames) * self._hop :].copy()


class _Joined:
    """Rows whose number is kept below twice `wanted` by joining neighbours."""

    def __init__(self, width: int, join: np.ufunc, wanted: int) -> None:
        self._join = join
        self._most = 2 * wanted
        self._done = np.zeros((0, width))
        self._waiting = np.zeros((0, width))
        self.joined = 1
        """How many of the rows that came are in one of `rows`; the last may hold fewer."""

    @property
    def rows(self) -> Doubles:
        """What came, joined; float64 of shape (rows, width)."""
        if not len(self._waiting):
            return self._done
        return np.concatenate((self._done, self._join.reduce(self._waiting, axis=0)[None]))

    @property
    def counts(self) -> Doubles:
        """How many rows that came are in each of `rows`."""
        whole = np.full(len(self._done), float(self.joined))
        return np.append(whole, len(self._waiting)) if len(self._waiting) else whole

    def add(self, rows: npt.NDArray[np.floating[Any]]) -> None:
        self._waiting = np.concatenate((self._waiting, rows))
        while number := min(len(self._waiting) // self.joined, self._most - len(self._done)):
            taken = self._waiting[: number * self.joined]
            self._waiting = self._waiting[number * self.joined :].copy()
            self._done = np.concatenate((self._done, self._in_groups(taken, self.joined)))
            if len(self._done) == self._most:
                self._done = self._in_groups(self._done, 2)
                self.joined *= 2

    def _in_groups(self, rows: Doubles, size: int) -> Doubles:
        joined: Doubles = self._join.reduce(rows.reshape(-1, size, rows.shape[1]), axis=1)
        return joined


def decibels(power: npt.ArrayLike) -> Doubles:
    """Turn power into dB, not below `LOWEST_DB`."""
    floor = 10 ** (LOWEST_DB / 10)
    level: Doubles = 10 * np.log10(np.maximum(np.asarray(power, np.float64), floor))
    return level


def mel_centres(sample_rate: int) -> Doubles:
    """Centres in hertz of `BANDS` bands, evenly spaced in mel (HTK: ``1127 ln(1 + f / 700)``)."""
    return _mel_edges(sample_rate)[1:-1]


def mel_triangles(length: int, sample_rate: int) -> Doubles:
    """Return triangles of height 1 over the bins of `frames.amplitude_spectrum`.

    None is narrower than two bins, so that no band of a low rate is empty.

    Returns
    -------
    ndarray of float64, shape (length // 2, `BANDS`)
    """
    edges = _mel_edges(sample_rate)
    bin_hertz = sample_rate / length
    centre = edges[1:-1]
    low = np.minimum(edges[:-2], centre - bin_hertz)
    high = np.maximum(edges[2:], centre + bin_hertz)
    hertz = bin_frequencies(length, sample_rate)[:, None]
    rising, falling = (hertz - low) / (centre - low), (high - hertz) / (high - centre)
    triangles: Doubles = np.maximum(np.minimum(rising, falling), 0.0)
    return triangles


def _mel_edges(sample_rate: int) -> Doubles:
    top = 1127 * np.log1p(sample_rate / 2 / 700)
    edges: Doubles = 700 * np.expm1(np.linspace(0, top, BANDS + 2) / 1127)
    return edges
