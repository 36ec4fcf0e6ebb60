"""`GuardedDecoder`: the decoding functions, with the child process kept out of sight."""

from __future__ import annotations

import os
import struct
from collections.abc import Iterator, Sequence
from types import TracebackType
from typing import TYPE_CHECKING, NoReturn, Self

from earmark_files.decoding.reader import AudioInfo, Samples, require_rates
from earmark_files.errors import AnyPath
from earmark_files.guard.process import DEFAULT_COMMAND
from earmark_files.guard.protocol import TOTALS, Kind, ProtocolError, StreamRequest, unpack_json
from earmark_files.guard.session import Limits, Session, absolute

if TYPE_CHECKING:
    from earmark_files.identity import AudioIdentity

_SLOWEST_HASHING = 4_000_000  # bytes per second, of a bad network volume

_INFO_FIELDS: dict[str, tuple[type, ...]] = {
    "duration": (float, int, type(None)),
    "sample_rate": (int,),
    "channels": (int,),
    "frames": (int, type(None)),
    "container": (str,),
    "codec": (str,),
}
_IDENTITY_FIELDS: dict[str, tuple[type, ...]] = {
    "hash": (str,),
    "container": (str,),
    "audio_bytes": (int,),
}


class _Answer:
    """The blocks of one file as they come from a child.

    Attributes
    ----------
    info : AudioInfo
    frames : int
        As decoded, at the file's own rate; 0 until the stream has ended.
    peak : float
        Of all of them; 0 until the stream has ended.
    """

    def __init__(self, session: Session, sample_rates: Sequence[int], info: AudioInfo) -> None:
        self.info = info
        self.frames = 0
        self.peak = 0.0
        self._sample_rates = sample_rates
        self._session: Session | None = session

    def _take(self) -> tuple[int, Samples]:
        if self._session is None:
            raise StopIteration
        session, self._session = self._session, None  # an error below ends the stream
        message = session.answer(Kind.BLOCK, Kind.END)
        if message.samples is None:
            self._end(session, message.payload)
        if message.sample_rate not in self._sample_rates:
            raise session.distrust(ProtocolError(f"block at {message.sample_rate} Hz"))
        self._session = session
        return message.sample_rate, message.samples

    def _end(self, session: Session, totals: bytes) -> NoReturn:
        try:
            self.frames, self.peak = TOTALS.unpack(totals)
        except struct.error as error:
            raise session.distrust(ProtocolError("an end without totals")) from error
        raise StopIteration

    def close(self) -> None:
        """Stop decoding; harmless when the stream has ended."""
        session, self._session = self._session, None
        if session is not None:
            session.cancel()

    def abandon(self) -> None:
        """Forget the child, which is about to be ended."""
        self._session = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()


class GuardedStream(_Answer):
    """Mono blocks of one file, decoded in a child; see `GuardedDecoder.stream`."""

    def __iter__(self) -> Iterator[Samples]:
        return self

    def __next__(self) -> Samples:
        return self._take()[1]


class GuardedRateStream(_Answer):
    """Blocks of one file at several rates; see `GuardedDecoder.stream_rates`."""

    def __iter__(self) -> Iterator[tuple[int, Samples]]:
        return self

    def __next__(self) -> tuple[int, Samples]:
        return self._take()


class GuardedDecoder:
    """Decodes and hashes files in a child process with limits.

    The child is started by the first request and serves many; it is replaced when it had to be
    killed. It ends with this process, however that ends. One decoder is for one thread and one file
    at a time; a program that decodes in parallel has several.

    Parameters
    ----------
    timeout_s : float
        Seconds without any progress after which a decoder counts as hung. Time spent by the
        consumer of a stream does not count.
    memory_mb : int
        Megabytes of address space a decoder may take beyond its libraries.
    cpu_seconds : float, optional
        Processor time per request after which it is stopped even if it makes progress.
    command : sequence of str, optional
        Another program that speaks the protocol; tests pass one that misbehaves.

    Examples
    --------
    >>> with GuardedDecoder(timeout_s=60, memory_mb=512) as decoder:  # doctest: +SKIP
    ...     with decoder.stream("door.wav", sample_rate=16_000) as blocks:
    ...         print(blocks.info.duration, sum(len(block) for block in blocks))
    """

    def __init__(
        self,
        timeout_s: float = 60.0,
        memory_mb: int = 512,
        *,
        cpu_seconds: float | None = None,
        command: Sequence[str] = DEFAULT_COMMAND,
    ) -> None:
        limits = Limits(timeout_s, memory_mb, cpu_seconds or 0.0)
        self._session = Session(limits, command)
        self._stream: _Answer | None = None

    @property
    def child_pid(self) -> int | None:
        """Process id of the child, for logs; None while there is none."""
        return self._session.child_pid

    def stream(
        self, path: AnyPath, *, sample_rate: int, block_seconds: float = 5.0
    ) -> GuardedStream:
        """Do what `earmark_files.decoding.stream` does, in the child.

        A stream of this decoder that is still open is closed first.

        Raises
        ------
        AudioFileError
            As there, and ``decode_timeout``, ``decode_memory`` or ``decode_crashed``; also during
            iteration.
        """
        info = self._open(path, (sample_rate,), block_seconds)
        self._stream = opened = GuardedStream(self._session, (sample_rate,), info)
        return opened

    def stream_rates(
        self, path: AnyPath, *, sample_rates: Sequence[int], block_seconds: float = 5.0
    ) -> GuardedRateStream:
        """Do what `earmark_files.decoding.stream_rates` does, in the child; else as `stream`."""
        info = self._open(path, sample_rates, block_seconds)
        self._stream = opened = GuardedRateStream(self._session, tuple(sample_rates), info)
        return opened

    def probe(self, path: AnyPath) -> AudioInfo:
        """Do what `earmark_files.decoding.probe` does, in the child; same errors as `stream`."""
        self._ask(Kind.PROBE, absolute(path), path)
        return self._audio_info()

    def identify(self, path: AnyPath) -> AudioIdentity:
        """Do what `earmark_files.identity.audio_identity` does, in the child.

        Hashing reports no progress, so the time allowed grows with the size of the file.
        """
        from earmark_files.identity import AudioIdentity

        name = absolute(path)
        self._ask(Kind.IDENTIFY, name, path)
        allowed = self._session.limits.timeout_s + _size_or_zero(name) / _SLOWEST_HASHING
        message = self._session.answer(Kind.IDENTITY, timeout=allowed)
        try:
            return AudioIdentity(**unpack_json(message.payload, _IDENTITY_FIELDS))
        except ProtocolError as error:
            raise self._session.distrust(error) from error

    def close(self) -> None:
        """End the child. The next request would start another."""
        if self._stream is not None:
            self._stream.abandon()
            self._stream = None
        self._session.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def _open(self, path: AnyPath, sample_rates: Sequence[int], block_seconds: float) -> AudioInfo:
        require_rates(sample_rates, block_seconds)
        request = StreamRequest(tuple(sample_rates), block_seconds, absolute(path))
        self._ask(Kind.STREAM, request.pack(), path)
        return self._audio_info()

    def _ask(self, kind: Kind, payload: bytes, path: AnyPath) -> None:
        if self._stream is not None:
            self._stream.close()
            self._stream = None
        self._session.ask(kind, payload, path)

    def _audio_info(self) -> AudioInfo:
        message = self._session.answer(Kind.INFO)
        try:
            return AudioInfo(**unpack_json(message.payload, _INFO_FIELDS))
        except ProtocolError as error:
            raise self._session.distrust(error) from error


def _size_or_zero(path: bytes) -> int:
    try:
        return os.stat(path).st_size  # noqa: PTH116 - pathlib knows no bytes
    except OSError:
        return 0  # the child reports what is wrong with it
