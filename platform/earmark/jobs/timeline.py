"""What a classifier says about each window of a clip, packed small enough to keep for every file.

Only labels that reach a floor somewhere in the clip are kept, and of those only the windows in
which they reach it. Times are kept to the millisecond, scores in steps of 1/255. Pure NumPy.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float32]

FLOOR = 0.05
"""Scores below this say nothing about a window."""

MOST_BYTES = 64 * 1024
"""Where a packed timeline would be larger, its floor rises; see `pack_timeline`."""

_MAGIC = b"TL"
_FORMAT = 1
_HEADER = struct.Struct("<2sBxIIf")  # magic, format, windows, kept labels, floor
_STEPS = 255
_TICKS = 1000.0  # per second
_RISE = 1.6  # of the floor's odds, until the timeline is small enough
_HIGHEST_FLOOR = 0.99
_LEVEL = 6  # of zlib: 9 is ten times slower on noise and hardly smaller
_LONGEST = 2**31 / _TICKS


class TimelineError(ValueError):
    """Scores that make no timeline, or bytes that are none.

    Attributes
    ----------
    code : str
        ``invalid_timeline``.
    """

    code = "invalid_timeline"


@dataclass(frozen=True, eq=False)
class Timeline:
    """The scores of the windows of one clip.

    Attributes
    ----------
    starts, ends : ndarray of float32, shape (windows,)
        The part of the clip each window stands for, in seconds; windows may overlap.
    positions : ndarray of int32, shape (kept,)
        Of the kept labels in the classifier's vocabulary, rising.
    scores : ndarray of float32, shape (windows, kept)
        In [0, 1]; 0 where the score was below `floor`.
    floor : float
        Below this nothing was kept.
    """

    starts: Floats
    ends: Floats
    positions: npt.NDArray[np.int32]
    scores: Floats
    floor: float = FLOOR


def pack_timeline(
    scores: npt.ArrayLike,
    times: npt.ArrayLike | Sequence[tuple[float, float]],
    floor: float = FLOOR,
) -> bytes:
    """Pack the window scores of a clip.

    Kept are the labels with a window score at or above the floor. A timeline of an ordinary
    file takes a few kilobytes, one of 3 h some tens; one that would be larger than `MOST_BYTES`
    (a classifier that says yes to everything, or hears a hundred windows a second) is kept with
    a higher floor, at most 0.99, which it names.

    Parameters
    ----------
    scores : array of float, shape (windows, labels)
        In [0, 1], as `earmark_plugin_api.Classifier.predict` returns them.
    times : array of float, shape (windows, 2)
        Start and end of each window in seconds.
    floor : float
        In (0, 1].

    Raises
    ------
    TimelineError
        If shapes do not fit, a score is not in [0, 1], or a time is negative or not finite.
    """
    values, bounds = _checked(scores, times)
    if not 0.0 < floor <= 1.0:
        raise TimelineError(f"the floor must lie in (0, 1], not {floor}")
    packed_times = zlib.compress(_steps_of(bounds).tobytes(), _LEVEL)
    peaks = values.max(axis=0, initial=0.0)
    while True:
        positions = np.flatnonzero(peaks >= floor).astype("<i4")
        kept = values[:, positions]
        levels = np.where(kept >= floor, np.rint(kept * _STEPS), 0).astype(np.uint8)
        header = _HEADER.pack(_MAGIC, _FORMAT, len(values), len(positions), floor)
        # Label by label: neighbours in time are alike, neighbours in the vocabulary are not.
        body = zlib.compress(positions.tobytes() + levels.T.tobytes(), _LEVEL)
        size = len(header) + 4 + len(packed_times) + len(body)
        if size <= MOST_BYTES or floor >= _HIGHEST_FLOOR:
            return header + struct.pack("<I", len(packed_times)) + packed_times + body
        odds = _RISE * floor / (1.0 - floor)
        floor = min(_HIGHEST_FLOOR, odds / (1.0 + odds))


def unpack_timeline(packed: bytes) -> Timeline:
    """Return what `pack_timeline` kept.

    Raises
    ------
    TimelineError
        If `packed` was not made by `pack_timeline`, or was cut off or changed since.
    """
    try:
        magic, version, windows, kept, floor = _HEADER.unpack_from(packed)
        (length,) = struct.unpack_from("<I", packed, _HEADER.size)
        begin = _HEADER.size + 4
        steps = np.frombuffer(zlib.decompress(packed[begin : begin + length]), "<i4")
        body = zlib.decompress(packed[begin + length :])
    except (struct.error, zlib.error, ValueError) as error:
        raise TimelineError(
            "the stored timeline cannot be read; classify the file again"
        ) from error
    if (magic, version) != (_MAGIC, _FORMAT):
        raise TimelineError("these bytes are no timeline of a format this version reads")
    if len(steps) != 2 * windows or len(body) != kept * (4 + windows):
        raise TimelineError("the stored timeline is incomplete; classify the file again")
    ticks = np.cumsum(np.cumsum(steps.reshape(2, windows), axis=1, dtype=np.int64), axis=1)
    starts, ends = (ticks / _TICKS).astype(np.float32)
    levels = np.frombuffer(body, np.uint8, offset=4 * kept).reshape(kept, windows)
    return Timeline(
        starts=starts,
        ends=ends,
        positions=np.frombuffer(body, "<i4", count=kept).astype(np.int32),
        scores=np.ascontiguousarray(levels.T, dtype=np.float32) / np.float32(_STEPS),
        floor=round(floor, 6),
    )


def _checked(
    scores: npt.ArrayLike, times: npt.ArrayLike | Sequence[tuple[float, float]]
) -> tuple[Floats, npt.NDArray[np.float64]]:
    values = np.asarray(scores, dtype=np.float32)
    bounds = np.asarray(times, dtype=np.float64)
    bounds = bounds.reshape(0, 2) if bounds.size == 0 else bounds
    if values.ndim != 2 or bounds.shape != (len(values), 2):
        raise TimelineError(
            f"scores of shape {values.shape} need one start and end a row, not {bounds.shape}"
        )
    if not ((values >= 0.0) & (values <= 1.0)).all():  # false for NaN too
        raise TimelineError("window scores must lie in [0, 1]")
    if not ((bounds >= 0.0) & (bounds < _LONGEST)).all():
        raise TimelineError("window times must be finite seconds, not negative")
    return values, bounds


def _steps_of(bounds: npt.NDArray[np.float64]) -> npt.NDArray[np.int32]:
    """Return starts and ends as changes of their steps: zeros, where windows are regular."""
    ticks = np.rint(bounds.T * _TICKS).astype(np.int64)
    for _ in range(2):
        ticks = np.diff(ticks, prepend=0, axis=1)
    return ticks.astype("<i4")
