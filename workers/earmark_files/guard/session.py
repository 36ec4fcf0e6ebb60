"""One question to the child after another, and every way it can fail to answer as a file error."""

from __future__ import annotations

import os
import signal
from collections.abc import Sequence
from dataclasses import dataclass

import structlog

from earmark_files.errors import AnyPath, AudioFileError, ReadErrorCode
from earmark_files.guard.process import (
    ChildDiedError,
    ChildProcess,
    ChildTimeoutError,
    Message,
)
from earmark_files.guard.protocol import Kind, ProtocolError, unpack_json
from earmark_files.paths import display

log = structlog.get_logger(__name__)

_REQUESTS_PER_CHILD = 1000  # so that what libraries leak never adds up to the memory limit
_CANCEL_SECONDS = 2.0  # a new child costs less than waiting longer

_ERROR_FIELDS: dict[str, tuple[type, ...]] = {
    "code": (str,),
    "message": (str,),
    "retryable": (bool,),
}


@dataclass(frozen=True, slots=True)
class Limits:
    """What one file may cost.

    Attributes
    ----------
    timeout_s : float
        Seconds without progress.
    memory_mb : int
        Address space beyond what the child has when it is ready.
    cpu_seconds : float
        Processor time per request, 0 for no limit.
    """

    timeout_s: float
    memory_mb: int
    cpu_seconds: float


class Session:
    """Asks the child, starts it when there is none and ends it when it cannot be trusted any more.

    After `ask` the answer must be taken to its end with `answer`, or be given up with `cancel`.
    """

    def __init__(self, limits: Limits, command: Sequence[str]) -> None:
        self.limits = limits
        self._command = command
        self._child: ChildProcess | None = None
        self._served = 0
        self._request = 0
        self._path: AnyPath = b""

    @property
    def child_pid(self) -> int | None:
        """Process id of the child, None while there is none."""
        return None if self._child is None else self._child.pid

    def ask(self, kind: Kind, payload: bytes, path: AnyPath) -> None:
        """Send a request about a file.

        Raises
        ------
        AudioFileError
            The child could not be started.
        """
        self._path = path
        self._request = (self._request + 1) % (1 << 32)
        if self._served >= _REQUESTS_PER_CHILD:
            self.close()
        if self._child is not None:
            try:
                self._child.send(kind, self._request, payload)
            except ChildDiedError:
                self.close()  # it ended between two files, which is the fault of neither
        if self._child is None:
            self._child = self._start()
            self._child.send(kind, self._request, payload)
        self._served += 1

    def answer(self, *expected: Kind, timeout: float | None = None) -> Message:
        """Wait for the next part of the answer, which is one of the `expected` kinds.

        Raises
        ------
        AudioFileError
            What the child found wrong with the file, or ``decode_timeout``, ``decode_memory`` or
            ``decode_crashed``. The answer is over then.
        """
        assert self._child is not None
        allowed = self.limits.timeout_s if timeout is None else timeout
        try:
            message = self._child.receive(allowed)
            if message.kind is Kind.ERROR:
                raise self._file_error(message)
            if message.kind not in expected or message.request != self._request:
                raise ProtocolError(f"{message.kind!r} of request {message.request}")
        except AudioFileError:
            raise
        except ChildTimeoutError as error:
            raise self._timed_out(allowed) from error
        except ChildDiedError as error:
            raise self._died() from error
        except ProtocolError as error:
            raise self.distrust(error) from error
        except BaseException:  # e.g. Ctrl-C in the middle of a message
            self.close()
            raise
        return message

    def cancel(self) -> None:
        """Give up the current answer; a child that does not react at once is ended."""
        if self._child is None:
            return
        try:
            self._child.send(Kind.CANCEL, self._request)
            while self._child.receive(_CANCEL_SECONDS).kind not in (Kind.END, Kind.ERROR):
                pass
        except (ChildDiedError, ChildTimeoutError, ProtocolError):
            log.info("decoder_ended_on_cancel", path=display(self._path))
            self.close()
        except BaseException:
            self.close()
            raise

    def close(self) -> None:
        """End the child; the next request starts another."""
        if self._child is not None:
            self._child.kill()
            self._child = None
        self._served = 0

    def distrust(self, error: ProtocolError) -> AudioFileError:
        """End a child that broke the protocol, and return what to raise."""
        return self._crashed("the decoder answered nonsense", detail=str(error))

    def _start(self) -> ChildProcess:
        try:
            return ChildProcess(
                self._command,
                memory_mb=self.limits.memory_mb,
                cpu_seconds=self.limits.cpu_seconds,
            )
        except (ChildDiedError, ChildTimeoutError, ProtocolError, OSError) as error:
            log.exception("decoder_not_started", command=list(self._command))
            raise AudioFileError(
                "The decoder process could not be started on this machine, which is not this "
                "file's fault; see the log, then run again.",
                code=ReadErrorCode.DECODE_CRASHED,
                path=self._path,
                retryable=True,
            ) from error

    def _file_error(self, message: Message) -> AudioFileError:
        fields = unpack_json(message.payload, _ERROR_FIELDS)
        error = AudioFileError(
            fields["message"], code=fields["code"], path=self._path, retryable=fields["retryable"]
        )
        if error.code == ReadErrorCode.DECODE_MEMORY:
            self.close()  # the child has ended itself
        return error

    def _timed_out(self, seconds: float) -> AudioFileError:
        self.close()
        log.warning("decoder_hung", path=display(self._path), seconds=seconds)
        return AudioFileError(
            f"Decoding made no progress for {seconds:.0f} s and was stopped, so the file is "
            "probably damaged or its disk too slow; try it again, or convert it.",
            code=ReadErrorCode.DECODE_TIMEOUT,
            path=self._path,
        )

    def _died(self) -> AudioFileError:
        assert self._child is not None
        number = self._child.end()
        if number == signal.SIGXCPU:
            self.close()
            return AudioFileError(
                f"Decoding used more than {self.limits.cpu_seconds:.0f} s of processor time and "
                "was stopped, so the file is probably damaged; convert it, or raise the limit.",
                code=ReadErrorCode.DECODE_TIMEOUT,
                path=self._path,
                retryable=False,
            )
        reason = (
            "the decoder crashed" if number is None else f"the decoder was ended by {_name(number)}"
        )
        return self._crashed(reason)

    def _crashed(self, reason: str, detail: str = "") -> AudioFileError:
        assert self._child is not None
        self._child.kill()
        log.warning(
            "decoder_crashed",
            path=display(self._path),
            reason=reason,
            detail=detail,
            stderr=self._child.last_words,
        )
        self.close()
        return AudioFileError(
            f"Reading this file failed: {reason}; the file is probably damaged, so convert it or "
            "copy it again.",
            code=ReadErrorCode.DECODE_CRASHED,
            path=self._path,
        )


def _name(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:  # real-time signals have no names
        return f"signal {number}"


def absolute(path: AnyPath) -> bytes:
    """Return the path as the child must get it, whose working directory is another.

    Only joined: taking ``..`` out of a path is wrong where it follows a symbolic link.
    """
    return os.path.join(os.getcwdb(), os.fsencode(path))  # noqa: PTH109, PTH118 - bytes
