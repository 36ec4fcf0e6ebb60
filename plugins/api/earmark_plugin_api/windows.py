"""Cutting a stream of samples into the windows a classifier wants."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from earmark_plugin_api.errors import InvalidInputError

Samples = npt.NDArray[np.float32]


@dataclass(frozen=True)
class Window:
    """How a clip is cut.

    Attributes
    ----------
    seconds : float
        Length of a window.
    hop_seconds : float
        From the start of one to the start of the next, at most `seconds`.

    Raises
    ------
    InvalidInputError
        If a length is not positive or the hop leaves gaps.
    """

    seconds: float
    hop_seconds: float

    def __post_init__(self) -> None:
        if not 0 < self.hop_seconds <= self.seconds:
            raise InvalidInputError("a window needs 0 < hop_seconds <= seconds")


@dataclass(frozen=True, eq=False)
class ClipWindow:
    """One window of a clip.

    Attributes
    ----------
    samples : ndarray of float32, shape (n,)
        Always the full window; a clip shorter than that is repeated until it is full.
    start, end : float
        The part of the clip it stands for, in seconds.
    """

    samples: Samples
    start: float
    end: float


class WindowCutter:
    """Cuts blocks of any size into windows without keeping more than one window of audio.

    Every sample lies in at least one window. The last window of a longer clip ends with the
    clip, so it may overlap its predecessor by more than the hop; a clip shorter than one window
    is repeated, which taggers score better than padding with zeros.

    Parameters
    ----------
    window : Window
    sample_rate : int
        In hertz.
    """

    def __init__(self, window: Window, sample_rate: int) -> None:
        self._length = max(1, round(window.seconds * sample_rate))
        self._hop = max(1, round(window.hop_seconds * sample_rate))
        self._rate = sample_rate
        self._buffer = np.zeros(0, np.float32)
        self._start = 0  # of the buffer's first sample in the clip
        self._covered = 0  # samples of the clip that already lie in a window

    def push(self, block: Samples) -> Iterator[ClipWindow]:
        """Yield the windows that `block` completes."""
        self._buffer = np.concatenate((self._buffer, block))
        begin = self._covered - self._length + self._hop if self._covered else 0
        while begin + self._length <= self._start + len(self._buffer):
            yield self._window(begin)
            begin += self._hop
        self._forget()

    def finish(self) -> Iterator[ClipWindow]:
        """Yield the last window, if samples are left that no window holds."""
        total = self._start + len(self._buffer)
        if total == self._covered:
            return
        if total < self._length:
            filled = np.resize(self._buffer, self._length)
            yield ClipWindow(filled, 0.0, total / self._rate)
            self._covered = total
        else:
            yield self._window(total - self._length)

    def _window(self, begin: int) -> ClipWindow:
        at = begin - self._start
        samples = self._buffer[at : at + self._length].copy()
        self._covered = begin + self._length
        return ClipWindow(samples, begin / self._rate, self._covered / self._rate)

    def _forget(self) -> None:
        # The last window may have to reach back one whole window from the clip's end.
        surplus = len(self._buffer) - self._length
        if surplus > 0 and self._covered:
            self._buffer = self._buffer[surplus:]
            self._start += surplus


def cut_windows(samples: Samples, window: Window, sample_rate: int) -> list[ClipWindow]:
    """Cut a whole clip held in memory; see `WindowCutter`."""
    cutter = WindowCutter(window, sample_rate)
    return [*cutter.push(samples), *cutter.finish()]
