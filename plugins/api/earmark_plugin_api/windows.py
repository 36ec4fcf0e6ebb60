"""Cutting a stream of samples into the windows a classifier wants."""

from __future__ import annotations

import math
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
        if not 0 < self.hop_seconds <= self.seconds < math.inf:
            raise InvalidInputError("a window needs 0 < hop_seconds <= seconds, both finite")

    def samples(self, sample_rate: int) -> int:
        """Length of a window in samples at `sample_rate` hertz, at least 1."""
        return max(1, round(self.seconds * sample_rate))

    def hop_samples(self, sample_rate: int) -> int:
        """From one start to the next in samples at `sample_rate` hertz, at least 1."""
        return max(1, round(self.hop_seconds * sample_rate))


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
        self._length = window.samples(sample_rate)
        self._hop = window.hop_samples(sample_rate)
        self._rate = sample_rate
        self._buffer = np.zeros(0, np.float32)
        self._start = 0  # of the buffer's first sample in the clip
        self._covered = 0  # samples of the clip that already lie in a window
        self._finished = False

    def push(self, block: Samples) -> Iterator[ClipWindow]:
        """Take in a block and iterate over the windows it completes.

        The block is kept even if the iterator is not used up: what was not asked for comes with
        the next push.

        Parameters
        ----------
        block : ndarray of float32, shape (n,)
            The next samples of the clip; any number of them, also none.

        Raises
        ------
        InvalidInputError
            If `block` is not one-dimensional float32, or after `finish`.
        """
        if self._finished:
            raise InvalidInputError("the clip was finished; a new clip needs a new WindowCutter")
        if block.ndim != 1 or block.dtype != np.float32:
            raise InvalidInputError(
                f"a block must be a mono float32 array, not {block.dtype} of shape {block.shape}"
            )
        self._buffer = np.concatenate((self._buffer, block))
        return self._complete_windows()

    def _complete_windows(self) -> Iterator[ClipWindow]:
        while (begin := self._next_begin()) + self._length <= self._start + len(self._buffer):
            yield self._window(begin)
        self._forget()

    def _next_begin(self) -> int:
        return self._covered - self._length + self._hop if self._covered else 0

    def finish(self) -> Iterator[ClipWindow]:
        """Yield what is left: windows not asked for yet, then the rest that no window holds."""
        yield from self._complete_windows()
        self._finished = True
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
