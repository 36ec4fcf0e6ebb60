"""What a sound file holds, and its samples as a stream of mono blocks.

The reader is chosen by content, never by name. What is cut short, damaged, empty or not a sound is
refused with an `earmark_files.errors.AudioFileError`: a sound is never judged by a part of it.

Decoders are large C libraries fed with files from anywhere. Use these functions for files you
trust, `earmark_files.guard.GuardedDecoder` for all others.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from earmark_files.decoding.reader import AudioInfo, BlockStream, RateBlocks
from earmark_files.errors import AnyPath

if TYPE_CHECKING:
    from earmark_files.decoding.streaming import AudioStream, RateStream

__all__ = ["AudioInfo", "BlockStream", "RateBlocks", "probe", "stream", "stream_rates"]

# The decoder libraries are imported by the functions that need them: a process that decodes
# through a guarded child only, never loads them.


def probe(path: AnyPath) -> AudioInfo:
    """Return what a file says about its sound, after decoding no more than its beginning.

    Raises
    ------
    AudioFileError
        The file cannot be opened, or already its beginning shows that it cannot be decoded.
    """
    from earmark_files.decoding.streaming import AudioStream

    with AudioStream(path, sample_rate=16_000, block_seconds=1.0) as opened:
        return opened.info


def stream(path: AnyPath, *, sample_rate: int, block_seconds: float = 5.0) -> AudioStream:
    """Decode a file to mono blocks, in memory that does not depend on its length.

    Channels are mixed down by their plain mean, so sound in opposite phase cancels. The result is
    resampled with soxr's "HQ" quality. Values beyond [-1, 1] in floating-point files are kept.

    Parameters
    ----------
    path : path
        File to read; any name the file system allows.
    sample_rate : int
        Hertz of the result.
    block_seconds : float
        Length of a block. Every block but the last has ``round(sample_rate * block_seconds)``
        samples; together they are the same numbers for every length.

    Returns
    -------
    AudioStream
        Iterator over C-contiguous float32 arrays of shape (n,), all values finite. Its `info`
        attribute is known at once; close it, or use ``with``, to stop before the end.

    Raises
    ------
    AudioFileError
        At once where the beginning of the file shows the fault, else during iteration. What was
        yielded before an error is not to be used: the file is cut short or damaged.
    """
    from earmark_files.decoding.streaming import AudioStream

    return AudioStream(path, sample_rate=sample_rate, block_seconds=block_seconds)


def stream_rates(
    path: AnyPath, *, sample_rates: Sequence[int], block_seconds: float = 5.0
) -> RateStream:
    """Decode a file once, to mono blocks at several rates.

    Parameters
    ----------
    path : path
        File to read.
    sample_rates : sequence of int
        Hertz, each once.
    block_seconds : float
        Length of a block, at each rate as in `stream`.

    Returns
    -------
    RateStream
        Iterator over pairs of rate and samples. The blocks of one rate are those `stream` gives
        for it, in order; those of different rates come mixed, never further apart than a block.

    Raises
    ------
    AudioFileError
        As in `stream`.
    """
    from earmark_files.decoding.streaming import RateStream

    return RateStream(path, sample_rates=sample_rates, block_seconds=block_seconds)
