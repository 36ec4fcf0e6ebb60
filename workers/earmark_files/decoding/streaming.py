"""From a file to mono float32 blocks at the wanted rate, in constant memory."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Sequence
from types import TracebackType
from typing import Self

import numpy as np
import soxr

from earmark_files.decoding import failures
from earmark_files.decoding.choice import open_reader
from earmark_files.decoding.reader import AudioInfo, Reader, Samples, require_rates
from earmark_files.decoding.sniff import Container
from earmark_files.decoding.source import Source
from earmark_files.errors import AnyPath, AudioFileError


class _Decoding:
    """One file on its way through one reader and a resampler for each wanted rate."""

    def __init__(self, path: AnyPath, *, sample_rates: Sequence[int], block_seconds: float) -> None:
        self._ready: deque[tuple[int, Samples]] = deque()
        require_rates(sample_rates, block_seconds)
        self.frames = 0
        self.peak = 0.0
        self._source = Source(path)
        self._reader: Reader | None = None
        try:
            self._reader = open_reader(self._source)
        except MemoryError as error:
            self.close()
            raise failures.out_of_memory(self._source) from error
        except BaseException:
            self.close()
            raise
        self.info: AudioInfo = self._reader.info
        self._tracks = [
            (rate, _Resampler(self.info.sample_rate, rate), _Blocks(round(rate * block_seconds)))
            for rate in sample_rates
        ]

    def _take(self) -> tuple[int, Samples]:
        """Return rate and samples of the next block.

        Raises
        ------
        StopIteration
            There is none.
        """
        while not self._ready:
            if self._reader is None:
                raise StopIteration
            try:
                self._advance(self._reader)
            except MemoryError as error:
                self.close()
                raise failures.out_of_memory(self._source) from error
            except AudioFileError:
                self.close()
                raise
        return self._ready.popleft()

    def _advance(self, reader: Reader) -> None:
        """Decode and resample one read; at the end check that nothing is missing."""
        samples = reader.read()
        if samples is None:
            self._require_complete(reader)
        else:
            self._require_finite(samples)
            self.frames += len(samples)
            if len(samples):
                self.peak = max(self.peak, float(samples.max()), -float(samples.min()))
        for rate, resampler, blocks in self._tracks:
            if samples is None:
                done = [*blocks.push(resampler.finish()), *blocks.finish()]
            else:
                resampled = resampler.push(samples)
                self._require_finite(resampled)
                done = blocks.push(resampled)
            self._ready.extend((rate, block) for block in done)
        if samples is None:
            self._release()

    def _require_finite(self, samples: Samples) -> None:
        if not np.isfinite(samples).all():
            raise failures.invalid_samples(self._source, self.frames / self.info.sample_rate)

    def _require_complete(self, reader: Reader) -> None:
        self._source.require_unchanged()
        if self.frames < reader.least_frames:
            if self.info.container == Container.FLAC:  # may be cut between two of its frames
                raise failures.truncated(self._source)
            raise failures.damaged(self._source, "a part of it is missing")
        if self.frames == 0:
            raise failures.no_samples(self._source)

    def close(self) -> None:
        """Stop: release decoder and file; iteration then ends."""
        self._release()
        self._ready.clear()

    def _release(self) -> None:
        if self._reader is not None:
            self._reader.close()
            self._reader = None
        self._source.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()


class AudioStream(_Decoding):
    """Mono blocks of one file, decoded in this process; see `earmark_files.decoding.stream`."""

    def __init__(self, path: AnyPath, *, sample_rate: int, block_seconds: float) -> None:
        super().__init__(path, sample_rates=(sample_rate,), block_seconds=block_seconds)

    def __iter__(self) -> Iterator[Samples]:
        return self

    def __next__(self) -> Samples:
        return self._take()[1]


class RateStream(_Decoding):
    """Blocks of one file at several rates; see `earmark_files.decoding.stream_rates`."""

    def __iter__(self) -> Iterator[tuple[int, Samples]]:
        return self

    def __next__(self) -> tuple[int, Samples]:
        return self._take()


class _Resampler:
    """soxr in its "HQ" quality; the identity where the rates are equal.

    "HQ" (100 dB, pass band to 0.91 of Nyquist) runs at thousands of times real time; the better
    qualities differ only above what a 16-bit recording holds.
    """

    def __init__(self, source_rate: int, target_rate: int) -> None:
        self._soxr = None
        if source_rate != target_rate:
            self._soxr = soxr.ResampleStream(
                source_rate, target_rate, 1, dtype="float32", quality="HQ"
            )

    def push(self, samples: Samples) -> Samples:
        if self._soxr is None:
            return samples
        resampled: Samples = self._soxr.resample_chunk(samples)
        return resampled

    def finish(self) -> Samples:
        nothing = np.empty(0, np.float32)
        if self._soxr is None:
            return nothing
        rest: Samples = self._soxr.resample_chunk(nothing, last=True)
        return rest


class _Blocks:
    """Pieces of any length in, blocks of one length out; only the last may be shorter."""

    def __init__(self, size: int) -> None:
        self._size = size
        self._current = np.empty(size, np.float32)
        self._filled = 0

    def push(self, samples: Samples) -> list[Samples]:
        """Take in a piece and return the blocks it completes."""
        done = []
        taken = 0
        while taken < len(samples):
            count = min(self._size - self._filled, len(samples) - taken)
            self._current[self._filled : self._filled + count] = samples[taken : taken + count]
            self._filled += count
            taken += count
            if self._filled == self._size:
                done.append(self._current)
                self._current = np.empty(self._size, np.float32)
                self._filled = 0
        return done

    def finish(self) -> list[Samples]:
        """Return the last, shorter block, if there is one."""
        rest, self._filled = self._current[: self._filled], 0
        return [rest] if len(rest) else []
