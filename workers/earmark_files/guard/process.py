"""Starting, feeding and ending one decoder child; knows nothing of what is asked of it."""

from __future__ import annotations

import contextlib
import fcntl
import os
import select
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from earmark_files.guard.protocol import (
    HEADER,
    MAX_JSON_BYTES,
    PIPE_BYTES,
    RATE,
    Kind,
    ProtocolError,
    write_all,
)

_START_SECONDS = 60.0  # loading the libraries takes 0.3 s, on a busy network volume far longer
_END_SECONDS = 5.0
_STDERR_TAIL_BYTES = 4000
_MAX_BLOCK_BYTES = 1 << 30

DEFAULT_COMMAND = (sys.executable, "-X", "faulthandler", "-P", "-m", "earmark_files.guard")


class ChildTimeoutError(Exception):
    """The child sent nothing for too long."""


class ChildDiedError(Exception):
    """The child ended by itself."""


@dataclass(frozen=True, slots=True)
class Message:
    """An answer: raw bytes, or samples and their rate for `Kind.BLOCK`."""

    kind: Kind
    request: int
    payload: bytes
    samples: npt.NDArray[np.float32] | None = None
    sample_rate: int = 0


class ChildProcess:
    """A running decoder child.

    Parameters
    ----------
    command : sequence of str
        What to run; the options of `earmark_files.guard.child` are appended.
    memory_mb : int
        Address space the child may take beyond what it has after loading its libraries.
    cpu_seconds : float
        Processor time per request, 0 for no limit.

    Raises
    ------
    ChildDiedError, ChildTimeoutError
        The child did not come up.
    """

    def __init__(self, command: Sequence[str], *, memory_mb: int, cpu_seconds: float) -> None:
        self.last_words = ""
        lifeline, self._lifeline = os.pipe2(os.O_CLOEXEC)
        self._stderr = os.memfd_create("earmark-decoder-stderr")
        fcntl.fcntl(self._stderr, fcntl.F_SETFL, os.O_APPEND)
        options = ["--lifeline", str(lifeline), "--memory-mb", str(memory_mb)]
        options += ["--cpu-seconds", str(cpu_seconds)]
        try:
            # Not a fork: torch and other threads may be running here. A session of its own keeps
            # Ctrl-C from ending the child before its parent is done with it.
            self._process = subprocess.Popen(  # noqa: S603 - our own interpreter
                [*command, *options],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=self._stderr,
                bufsize=0,
                pass_fds=(lifeline,),
                env=_environment(),
                cwd="/",
                start_new_session=True,
            )
        except BaseException:
            os.close(self._lifeline)
            os.close(self._stderr)
            raise
        finally:
            os.close(lifeline)
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._requests = self._process.stdin.fileno()
        self._answers = self._process.stdout.fileno()
        self._poll = select.poll()
        self._poll.register(self._answers, select.POLLIN)
        with contextlib.suppress(OSError):  # only costs speed where the system allows no more
            fcntl.fcntl(self._answers, fcntl.F_SETPIPE_SZ, PIPE_BYTES)
        try:
            if self.receive(_START_SECONDS).kind is not Kind.READY:
                raise ProtocolError("the child did not say that it is ready")
        except BaseException as error:
            self.kill()
            error.add_note(f"The child wrote: {self.last_words or 'nothing'}")
            raise

    @property
    def pid(self) -> int:
        """Process id of the child."""
        return self._process.pid

    def send(self, kind: Kind, request: int, payload: bytes = b"") -> None:
        """Send a request; requests are small, so this never blocks on a child that reads.

        Raises
        ------
        ChildDiedError
            Nobody listens any more.
        """
        try:
            write_all(self._requests, HEADER.pack(kind, request, len(payload)), payload)
        except BrokenPipeError as error:
            raise ChildDiedError from error

    def receive(self, timeout: float) -> Message:
        """Wait for the next message.

        Parameters
        ----------
        timeout : float
            Seconds without a single byte after which the child counts as hung.

        Raises
        ------
        ChildTimeoutError, ChildDiedError, ProtocolError
            There is no message. The child is of no use after any of them.
        """
        header = bytearray(HEADER.size)
        self._read_into(memoryview(header), timeout)
        number, request, length = HEADER.unpack(header)
        try:
            kind = Kind(number)
        except ValueError as error:
            raise ProtocolError(f"unknown message {number}") from error
        if kind is Kind.BLOCK:
            rate = bytearray(RATE.size)
            self._read_into(memoryview(rate), timeout)
            samples = self._read_samples(length - RATE.size, timeout)
            return Message(kind, request, b"", samples, *RATE.unpack(rate))
        if length > MAX_JSON_BYTES:
            raise ProtocolError(f"{kind!r} of {length} bytes")
        payload = bytearray(length)
        self._read_into(memoryview(payload), timeout)
        return Message(kind, request, bytes(payload))

    def _read_samples(self, length: int, timeout: float) -> npt.NDArray[np.float32]:
        if length % 4 or not 0 < length <= _MAX_BLOCK_BYTES:
            raise ProtocolError(f"block of {length} bytes")
        samples = np.empty(length // 4, np.float32)
        self._read_into(samples.data.cast("B"), timeout)
        return samples

    def _read_into(self, target: memoryview, timeout: float) -> None:
        while target:
            if not self._poll.poll(timeout * 1000):
                raise ChildTimeoutError
            count = os.readv(self._answers, [target])
            if count == 0:
                raise ChildDiedError
            target = target[count:]

    def end(self) -> int | None:
        """Wait briefly for a child that ended by itself; return the signal that ended it, if one.

        Kills it where it has closed its pipe without ending.
        """
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(_END_SECONDS)
        code = self._process.poll()
        self.kill()
        return -code if code is not None and code < 0 else None

    def kill(self) -> None:
        """End the child now and release everything it held; harmless when done before.

        `last_words` is then the end of what it wrote to standard error.
        """
        if self._lifeline < 0:
            return
        self._process.kill()
        # A read from a dead network volume cannot even be killed; then it is left behind.
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(_END_SECONDS)
        for pipe in (self._process.stdin, self._process.stdout):
            assert pipe is not None
            pipe.close()
        os.close(self._lifeline)
        self.last_words = self._read_stderr()
        os.close(self._stderr)
        self._lifeline = -1

    def _read_stderr(self) -> str:
        size = os.fstat(self._stderr).st_size
        tail = os.pread(self._stderr, _STDERR_TAIL_BYTES, max(0, size - _STDERR_TAIL_BYTES))
        return tail.decode("utf-8", "replace").strip()


def _environment() -> dict[str, str]:
    """Return our environment, in which the child finds this package and stays single-threaded."""
    source_root = str(Path(__file__).resolve().parents[2])
    paths = [source_root, *filter(None, os.environ.get("PYTHONPATH", "").split(os.pathsep))]
    return {
        **os.environ,
        "PYTHONPATH": os.pathsep.join(paths),
        # Every thread and malloc arena takes address space, which is what is limited.
        "OPENBLAS_NUM_THREADS": "1",
        "OMP_NUM_THREADS": "1",
        "MALLOC_ARENA_MAX": "1",
        # Reaches libraries that print; our own text to standard error is UTF-8.
        "PYTHONIOENCODING": "utf-8",
    }
