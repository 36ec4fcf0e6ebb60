"""A decoder child that misbehaves as the name of the file says; for tests of the guard.

Run as a program it speaks the protocol of `earmark_files.guard`. Names it does not know are
decoded as usual.
"""

from __future__ import annotations

import ctypes
import os
import signal
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt

COMMAND = (sys.executable, "-P", str(Path(__file__).resolve()))


def hang() -> None:
    """Sleep in Python."""
    time.sleep(3600)


def hang_in_c() -> None:
    """Stop in C code that never gives the interpreter back."""
    ctypes.PyDLL(None).pause()


def spin() -> None:
    """Loop without end in Python."""
    while True:
        pass


def eat_memory() -> None:
    """Allocate without end, piece by piece."""
    pieces = []
    while True:
        pieces.append(np.ones(1 << 20))


def eat_memory_at_once() -> None:
    """Ask for a terabyte."""
    np.ones(1 << 37)


def crash() -> None:
    """Read from address 0."""
    ctypes.string_at(0)


def abort() -> None:
    """End as C++ libraries do on an unhandled exception."""
    os.abort()


def killed() -> None:
    """End as the kernel's out-of-memory killer ends processes."""
    os.kill(os.getpid(), signal.SIGKILL)


def leave() -> None:
    """End without a word."""
    os._exit(3)


def fail() -> None:
    """Raise what nobody expects."""
    raise RuntimeError("a bug in the decoder")


def babble() -> None:
    """Print to standard output, as some libraries do."""
    print("\x0c" * 100_000, flush=True)  # noqa: T201
    sys.stderr.write("x" * 2_000_000 + "the last words\n")


def forge() -> None:
    """Write something that is no message into the pipe of answers."""
    for fd in range(3, 20):
        try:
            os.write(fd, b"\xfe" * 64)
        except OSError:
            continue
    time.sleep(3600)


DEEDS: dict[str, Callable[[], None]] = {
    deed.__name__: deed
    for deed in (
        *(hang, hang_in_c, spin, eat_memory, eat_memory_at_once, crash, abort, killed, leave),
        *(fail, babble, forge),
    )
}


class _Endless:
    """A stream that never ends, and does its deed after the second block."""

    def __init__(self, deed: Callable[[], None] | None, sample_rate: int, seconds: float) -> None:
        from earmark_files.decoding import AudioInfo

        self.frames, self.peak = 0, 1.0
        self._rate = sample_rate
        self.info = AudioInfo(None, sample_rate, 1, None, "wav", "pcm_s16")
        self._size = round(sample_rate * seconds)
        self._deed = deed
        self._count = 0

    def __iter__(self) -> Iterator[tuple[int, npt.NDArray[np.float32]]]:
        return self

    def __next__(self) -> tuple[int, npt.NDArray[np.float32]]:
        self._count += 1
        if self._deed is not None and self._count > 2:
            self._deed()
        return self._rate, np.full(self._size, self._count, np.float32)

    def __enter__(self) -> _Endless:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Nothing is held."""


def open_stream(path: bytes, *, sample_rates: Sequence[int], block_seconds: float = 5.0) -> object:
    """Misbehave at once (`crash.wav`), later (`late-crash.wav`), or never end (`endless.wav`)."""
    from earmark_files.decoding import stream_rates

    name = Path(os.fsdecode(path)).stem
    if name == "off-rate":
        return _Endless(None, sample_rates[0] + 1, block_seconds)
    if name == "endless":
        return _Endless(None, sample_rates[0], block_seconds)
    if name.startswith("late-"):
        return _Endless(DEEDS[name.removeprefix("late-")], sample_rates[0], block_seconds)
    if name in DEEDS:
        DEEDS[name]()
    return stream_rates(path, sample_rates=sample_rates, block_seconds=block_seconds)


def identify(path: Path) -> object:
    """Misbehave as named, else hash as usual."""
    from earmark_files.identity import audio_identity

    if path.stem in DEEDS:
        DEEDS[path.stem]()
    return audio_identity(path)


if __name__ == "__main__":
    from earmark_files.guard.child import serve

    serve(open_stream, identify)  # type: ignore[arg-type]
