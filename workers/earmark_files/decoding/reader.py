"""The values and interfaces of decoding, and the mean over channels all readers share.

Imports no decoder library: the parent of a guarded decoder needs no more than this.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Protocol, Self

import numpy as np
import numpy.typing as npt

Samples = npt.NDArray[np.float32]

# One read holds about this many samples of all channels together: few enough to stay in the
# cache, enough that the cost of a call does not matter (measured: 2^16 to 2^18 are equal).
SAMPLES_PER_READ = 1 << 17

MAX_CHANNELS = 64
MIN_SAMPLE_RATE = 1_000
MAX_SAMPLE_RATE = 768_000


@dataclass(frozen=True, slots=True)
class AudioInfo:
    """What a file says about its sound.

    Attributes
    ----------
    duration : float or None
        Seconds; None where the file does not say (live recordings). For MP3 without a Xing header
        and AAC without a container an estimate from the bit rate.
    sample_rate : int
        Hertz, as stored.
    channels : int
        Channels, as stored.
    frames : int or None
        Samples per channel, only where the file states it exactly.
    container : str
        A value of `Container`, told from the content.
    codec : str
        E.g. ``"pcm_s16"``, ``"flac"``, ``"mp3"``, ``"aac"``, ``"adpcm_ms"``.
    """

    duration: float | None
    sample_rate: int
    channels: int
    frames: int | None
    container: str
    codec: str


class BlockStream(Protocol):
    """Mono blocks of one file, whether decoded here or in a guarded child process.

    Iterate over it, or use it in a ``with`` statement to stop early.
    """

    info: AudioInfo

    def __iter__(self) -> Iterator[npt.NDArray[np.float32]]: ...
    def __next__(self) -> npt.NDArray[np.float32]: ...
    def __enter__(self) -> Self: ...
    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None: ...
    def close(self) -> None:
        """Stop; harmless when the stream has ended."""
        ...


class RateBlocks(Protocol):
    """Blocks of one file at several rates, decoded once; used as a `BlockStream` is.

    Attributes
    ----------
    frames : int
        Decoded so far, at the file's own rate.
    peak : float
        The highest absolute value of the mono mix at the file's own rate, so far decoded:
        unlike that of the blocks it does not depend on the rates asked for.
    """

    info: AudioInfo
    frames: int
    peak: float

    def __iter__(self) -> Iterator[tuple[int, Samples]]: ...
    def __next__(self) -> tuple[int, Samples]: ...
    def __enter__(self) -> Self: ...
    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None: ...
    def close(self) -> None:
        """Stop; harmless when the stream has ended."""
        ...


class Reader(Protocol):
    """A file opened by one decoder library.

    Attributes
    ----------
    info : AudioInfo
        What the file says about its sound.
    least_frames : int
        Samples per channel that decoding must give at least, or something is missing; 0 where the
        file promises nothing.
    """

    info: AudioInfo
    least_frames: int

    def read(self) -> npt.NDArray[np.float32] | None:
        """Return the next mono samples at the file's own rate, None at the end.

        Raises
        ------
        AudioFileError
            What is stored cannot be decoded.
        """
        ...

    def close(self) -> None:
        """Release the decoder; the source stays open."""
        ...


def require_rates(sample_rates: Sequence[int], block_seconds: float) -> None:
    """Refuse what cannot be asked of a stream.

    Raises
    ------
    ValueError
        There is no rate, one comes twice, or a block would hold no sample.
    """
    if not sample_rates or len(set(sample_rates)) < len(sample_rates):
        raise ValueError("sample_rates must name at least one rate, and each once")
    if min(sample_rates) < 1 or round(min(sample_rates) * block_seconds) < 1:
        raise ValueError("sample_rate and block_seconds must give at least one sample")


def mean_of_channels(
    channels: list[npt.NDArray[Any]], scale: float = 1.0, offset: float = 0.0
) -> npt.NDArray[np.float32]:
    """Return the plain mean over channels, as new float32 samples.

    Adding strided columns in place is several times faster than ``mean(axis=1)`` and needs no
    conversion of the whole block. Channels in opposite phase cancel, as on any mono speaker.

    Parameters
    ----------
    channels : list of array, each of shape (n,)
        One view per channel, of any real type.
    scale, offset : float
        ``(stored + offset) * scale`` is the sample value; 1 and 0 for floats.
    """
    total = channels[0].astype(np.float32)
    for channel in channels[1:]:
        total += channel
    if offset:
        total += np.float32(offset * len(channels))
    factor = scale / len(channels)
    if factor != 1.0:
        total *= np.float32(factor)
    return total
