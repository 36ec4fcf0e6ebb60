"""Waveforms: the lowest and highest sample of each stretch of a sound. Pure.

Formats are those of BBC's audiowaveform, version 2 of its data format
(https://github.com/bbc/audiowaveform/blob/master/doc/DataFormat.md), which wavesurfer.js, Peaks.js
and others read.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

Samples = npt.NDArray[np.float32]
Levels = npt.NDArray[np.int16]

MOST_POINTS = 8192
_KEPT = 2 * MOST_POINTS  # buckets; between this and half of it for all but short sounds
_FIRST = 16  # samples of a bucket to begin with
_HEADER = struct.Struct("<iIiiIi")
_EIGHT_BITS = 1  # flag


@dataclass(frozen=True, eq=False)
class Peaks:
    """A waveform of one channel.

    Attributes
    ----------
    sample_rate : int
        Of the sound.
    samples_per_pixel : int
        Length of the stretches.
    low, high : ndarray of int16, shape (n,)
        32,767 stands for full scale.
    """

    sample_rate: int
    samples_per_pixel: int
    low: Levels
    high: Levels

    def reduce_to(self, points: int) -> Peaks:
        """Return the waveform with at most so many points; each stands for equally many samples."""
        factor = -(-len(self.low) // points)
        if factor <= 1:
            return self
        low, high = (np.pad(part, (0, -len(part) % factor), "edge") for part in self._parts)
        return Peaks(
            self.sample_rate,
            self.samples_per_pixel * factor,
            low.reshape(-1, factor).min(axis=1),
            high.reshape(-1, factor).max(axis=1),
        )

    def to_json(self, bits: int) -> dict[str, Any]:
        """Return the JSON form, with values of 8 or 16 bits."""
        return {
            "version": 2,
            "channels": 1,
            "sample_rate": self.sample_rate,
            "samples_per_pixel": self.samples_per_pixel,
            "bits": bits,
            "length": len(self.low),
            "data": self._interleaved(bits).tolist(),
        }

    def to_dat(self, bits: int) -> bytes:
        """Return the binary form, with values of 8 or 16 bits."""
        flags = _EIGHT_BITS if bits == 8 else 0
        shape = (self.sample_rate, self.samples_per_pixel, len(self.low), 1)
        return _HEADER.pack(2, flags, *shape) + self._interleaved(bits).tobytes()

    @classmethod
    def from_dat(cls, data: bytes) -> Peaks:
        """Read the binary form with values of 16 bits.

        Raises
        ------
        ValueError
            If it is something else.
        """
        if len(data) < _HEADER.size:
            raise ValueError("too short for a waveform")
        version, flags, rate, samples, length, channels = _HEADER.unpack_from(data)
        if (version, flags, channels) != (2, 0, 1) or len(data) != _HEADER.size + 4 * length:
            raise ValueError("not a waveform of one channel and 16 bits")
        pairs = np.frombuffer(data, "<i2", offset=_HEADER.size).astype(np.int16).reshape(-1, 2)
        return cls(rate, samples, pairs[:, 0], pairs[:, 1])

    @property
    def _parts(self) -> tuple[Levels, Levels]:
        return self.low, self.high

    def _interleaved(self, bits: int) -> npt.NDArray[Any]:
        pairs = np.stack(self._parts, axis=1).reshape(-1)
        return (pairs >> 8).astype("i1") if bits == 8 else pairs.astype("<i2")


class PeakReducer:
    """Takes a sound block by block and keeps its waveform, in memory that does not depend on it.

    When there are too many stretches, every two become one.

    Parameters
    ----------
    sample_rate : int
    """

    def __init__(self, sample_rate: int) -> None:
        self._rate = sample_rate
        self._length = _FIRST
        self._low = np.zeros(_KEPT, np.float32)
        self._high = np.zeros(_KEPT, np.float32)
        self._count = 0
        self._rest: Samples = np.zeros(0, np.float32)

    def push(self, block: Samples) -> None:
        """Take in the next samples, of shape (n,)."""
        samples = np.concatenate([self._rest, block])
        while len(samples) >= self._length:
            if self._count == _KEPT:
                self._fold()
                continue
            fits = min(len(samples) // self._length, _KEPT - self._count)
            self._add(samples[: fits * self._length].reshape(fits, self._length))
            samples = samples[fits * self._length :]
        self._rest = samples

    def finish(self) -> Peaks:
        """Return the waveform; the last stretch may be shorter than the others."""
        if len(self._rest):
            if self._count == _KEPT:
                self._fold()
            self._add(self._rest.reshape(1, -1))
        low, high = self._low[: self._count], self._high[: self._count]
        return Peaks(self._rate, self._length, _to_levels(low), _to_levels(high))

    def _add(self, stretches: Samples) -> None:
        end = self._count + len(stretches)
        self._low[self._count : end] = stretches.min(axis=1)
        self._high[self._count : end] = stretches.max(axis=1)
        self._count = end

    def _fold(self) -> None:
        half = self._count // 2
        self._low[:half] = self._low.reshape(-1, 2).min(axis=1)
        self._high[:half] = self._high.reshape(-1, 2).max(axis=1)
        self._count = half
        self._length *= 2


def _to_levels(values: Samples) -> Levels:
    scaled: Levels = np.rint(np.clip(values, -1, 1) * 32_767).astype(np.int16)
    return scaled
