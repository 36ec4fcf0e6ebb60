"""The stretch of a file that is to be heard, cut out of its blocks while they are decoded."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from earmark_files.decoding.reader import Samples
from earmark_files.errors import AudioFileError

TOO_LONG = "sound_too_long"
OUTSIDE = "part_outside_sound"


@dataclass(frozen=True)
class Part:
    """Which stretch of a file is wanted, and how much of the file may be decoded for it.

    Attributes
    ----------
    start : float
        Seconds from the beginning of the file.
    end : float
        The same; infinite for the end of the file.
    limit : float
        Seconds of sound that are decoded at most. What a file says of its length is not believed:
        a few megabytes can hold weeks.
    """

    start: float = 0.0
    end: float = math.inf
    limit: float = math.inf

    @property
    def is_whole(self) -> bool:
        """Whether all of the file is wanted."""
        return self.start == 0 and self.end == math.inf


WHOLE = Part()


class PartBlocks:
    """The samples of a part, as they come from a decoder.

    Parameters
    ----------
    blocks : iterable of (int, ndarray)
        Rate and samples, from the beginning of the file; see `earmark_files.decoding`.
    sample_rates : sequence of int
        All rates that come.
    part : Part

    Attributes
    ----------
    peak : float
        The highest absolute value so far, of any rate.

    Raises
    ------
    AudioFileError
        While iterating: ``sound_too_long`` at the limit, ``part_outside_sound`` where the sound
        ends before the part begins.
    """

    def __init__(
        self, blocks: Iterable[tuple[int, Samples]], sample_rates: Sequence[int], part: Part
    ) -> None:
        self._blocks = blocks
        self._part = part
        self._decoded = dict.fromkeys(sample_rates, 0)
        self.peak = 0.0

    def __iter__(self) -> Iterator[tuple[int, Samples]]:
        heard = False
        for rate, block in self._blocks:
            piece = self._cut(rate, block)
            if len(piece):
                heard = True
                self.peak = max(self.peak, float(np.abs(piece).max()))
                yield rate, piece
            if self._is_complete():
                break
        if not heard and not self._part.is_whole:
            raise AudioFileError(
                f"The sound ends before {self._part.start:g} s; ask for a part that lies in it.",
                code=OUTSIDE,
            )

    def _cut(self, rate: int, block: Samples) -> Samples:
        first = self._decoded[rate]
        self._decoded[rate] = last = first + len(block)
        begin = round(self._part.start * rate)
        end = last if math.isinf(self._part.end) else round(self._part.end * rate)
        if min(last, end) > self._part.limit * rate:
            raise AudioFileError(
                f"The sound is longer than {self._part.limit:g} s; ask for a part of it.",
                code=TOO_LONG,
            )
        return block[max(0, begin - first) : max(0, end - first)]

    def _is_complete(self) -> bool:
        return min(count / rate for rate, count in self._decoded.items()) >= self._part.end
