"""What runs in the decoder child: requests in on standard input, answers out.

Tests start it with decoders that misbehave; see `serve`.
"""

from __future__ import annotations

import argparse
import fcntl
import math
import os
import resource
import select
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from earmark_files.decoding.reader import AudioInfo, RateBlocks
from earmark_files.errors import AudioFileError, ReadErrorCode
from earmark_files.guard.protocol import (
    HEADER,
    RATE,
    TOTALS,
    Kind,
    ProtocolError,
    RemoteError,
    StreamRequest,
    pack_json,
    read_exactly,
    write_all,
)

if TYPE_CHECKING:
    from earmark_files.identity import AudioIdentity

_REQUESTS = 0  # standard input
_STDERR = 2
_STDERR_LIMIT = 256 * 1024  # some decoders complain about every frame of a damaged file


class OpenStream(Protocol):
    """The signature of `earmark_files.decoding.stream_rates`."""

    def __call__(
        self, path: bytes, *, sample_rates: Sequence[int], block_seconds: float = 5.0
    ) -> RateBlocks:
        """Open a file."""
        ...


Identify = Callable[[Path], "AudioIdentity"]


def main() -> None:
    """Serve with the real decoders."""
    import av  # noqa: F401 - loaded before the memory limit is set, as all decoders are
    import soundfile  # noqa: F401

    import earmark_files.decoding.streaming  # noqa: F401
    from earmark_files.decoding import stream_rates

    serve(stream_rates, _identify)


def _identify(path: Path) -> AudioIdentity:
    from earmark_files.identity import audio_identity

    return audio_identity(path)


def serve(open_stream: OpenStream, identify: Identify) -> None:
    """Answer requests until the parent goes away.

    Parameters
    ----------
    open_stream : callable
        Like `earmark_files.decoding.stream_rates`.
    identify : callable
        Like `earmark_files.identity.audio_identity`.
    """
    options = _options()
    _die_with(options.lifeline)
    _limit(options.memory_mb)
    # Libraries that print to standard output must not be able to disturb the protocol.
    answers = os.dup(1)
    os.dup2(_STDERR, 1)
    _Server(answers, options.cpu_seconds, open_stream, identify).run()


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="earmark_files.guard", description=__doc__)
    parser.add_argument("--lifeline", type=int, required=True, help="descriptor; ends with parent")
    parser.add_argument("--memory-mb", type=int, required=True, help="beyond what libraries take")
    parser.add_argument("--cpu-seconds", type=float, default=0.0, help="per request; 0: no limit")
    return parser.parse_args()


def _die_with(lifeline: int) -> None:
    """Let the kernel end this process when the other end of a pipe is closed.

    SIGIO ends a process that does not handle it, even in the middle of an endless loop of C code.
    PR_SET_PDEATHSIG would not do: it fires when the *thread* that started us ends.
    """
    fcntl.fcntl(lifeline, fcntl.F_SETOWN, os.getpid())
    flags = fcntl.fcntl(lifeline, fcntl.F_GETFL)
    fcntl.fcntl(lifeline, fcntl.F_SETFL, flags | os.O_ASYNC)
    if _readable(lifeline):  # closed before the kernel knew that we care
        raise SystemExit(0)


def _readable(fd: int) -> bool:
    poll = select.poll()
    poll.register(fd, select.POLLIN)
    return bool(poll.poll(0))


def _limit(memory_mb: int) -> None:
    pages = int(Path("/proc/self/statm").read_text().split()[0])
    _lower(resource.RLIMIT_AS, pages * resource.getpagesize() + memory_mb * 1024 * 1024)
    _lower(resource.RLIMIT_CORE, 0)
    _lower(resource.RLIMIT_FSIZE, _STDERR_LIMIT)


def _lower(kind: int, limit: int) -> None:
    """Set a soft limit, which may already be lower by the will of an administrator."""
    hard = resource.getrlimit(kind)[1]
    soft = limit if hard == resource.RLIM_INFINITY else min(limit, hard)
    resource.setrlimit(kind, (soft, hard))


class _Server:
    def __init__(
        self, answers: int, cpu_seconds: float, open_stream: OpenStream, identify: Identify
    ) -> None:
        self._answers = answers
        self._cpu_seconds = cpu_seconds
        self._open_stream = open_stream
        self._identify = identify
        self._request = 0

    def run(self) -> None:
        self._send(Kind.READY)
        while (message := self._receive()) is not None:
            kind, self._request, payload = message
            if kind is Kind.CANCEL:
                continue  # crossed with the end of the answer
            os.ftruncate(_STDERR, 0)
            self._start_cpu_clock()
            try:
                self._answer(kind, payload)
            except AudioFileError as error:
                self._send_error(RemoteError(error.code, error.message, error.retryable))
                if error.code == ReadErrorCode.DECODE_MEMORY:
                    return  # the heap may be in shreds; the parent starts a fresh process
            except MemoryError:
                self._send_error(
                    RemoteError(
                        ReadErrorCode.DECODE_MEMORY,
                        "Reading needs more memory than allowed, so the file is probably damaged; "
                        "repair it, or raise the limit.",
                        retryable=False,
                    )
                )
                return

    def _answer(self, kind: Kind, payload: bytes) -> None:
        if kind is Kind.STREAM:
            self._stream(StreamRequest.unpack(payload))
        elif kind is Kind.PROBE:
            with self._open_stream(payload, sample_rates=(16_000,)) as stream:
                self._send(Kind.INFO, pack_json(stream.info))
        elif kind is Kind.IDENTIFY:
            identity = self._identify(Path(os.fsdecode(payload)))
            self._send(Kind.IDENTITY, pack_json(identity))
        else:
            raise ProtocolError(f"not a request: {kind!r}")

    def _stream(self, request: StreamRequest) -> None:
        with self._open_stream(
            request.path, sample_rates=request.sample_rates, block_seconds=request.block_seconds
        ) as stream:
            info: AudioInfo = stream.info
            self._send(Kind.INFO, pack_json(info))
            for rate, block in stream:
                if self._cancelled():
                    break
                self._send(Kind.BLOCK, RATE.pack(rate), block.data.cast("B"))
            totals = TOTALS.pack(stream.frames, stream.peak)
        self._send(Kind.END, totals)

    def _cancelled(self) -> bool:
        if not _readable(_REQUESTS):
            return False
        message = self._receive()
        if message is None:
            raise SystemExit(0)  # the parent is gone
        kind, request, _ = message
        if kind is not Kind.CANCEL or request != self._request:
            raise ProtocolError(f"unexpected {kind!r} while answering")
        return True

    def _start_cpu_clock(self) -> None:
        """Have the kernel end us with SIGXCPU once this request has used its share."""
        if self._cpu_seconds > 0:
            _lower(resource.RLIMIT_CPU, math.ceil(time.process_time() + self._cpu_seconds))

    def _receive(self) -> tuple[Kind, int, bytes] | None:
        header = read_exactly(_REQUESTS, HEADER.size)
        if header is None:
            return None
        kind, request, length = HEADER.unpack(header)
        payload = read_exactly(_REQUESTS, length)
        return None if payload is None else (Kind(kind), request, payload)

    def _send_error(self, error: RemoteError) -> None:
        self._send(Kind.ERROR, pack_json(error))

    def _send(self, kind: Kind, *parts: bytes | memoryview) -> None:
        size = sum(map(len, parts))
        write_all(self._answers, HEADER.pack(kind, self._request, size), *parts)
