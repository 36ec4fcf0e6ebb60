"""Hash a file while it is still being written, a little behind the writer."""

from __future__ import annotations

import hashlib
import os
import threading
from types import TracebackType

from earmark_files.metadata.document import Payload
from earmark_files.metadata.errors import VerificationError
from earmark_files.metadata.source import BLOCK


class Follower:
    """A thread that hashes the audio of a growing file.

    Parameters
    ----------
    descriptor : int
        The new file.
    payload : Payload
        Where its audio will lie.
    """

    def __init__(self, descriptor: int, payload: Payload) -> None:
        self._descriptor = descriptor
        self._payload = payload
        self._state = hashlib.sha256()
        self._written = 0
        self._stopped = False
        self._error: OSError | None = None
        self._changed = threading.Condition()
        self._thread = threading.Thread(target=self._run, name="earmark-hash", daemon=True)

    def __enter__(self) -> Follower:
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        with self._changed:
            self._stopped = True
            self._changed.notify()
        self._thread.join()

    def go_on(self, written: int) -> None:
        """Tell that the first `written` bytes of the file may be read."""
        with self._changed:
            self._written = written
            self._changed.notify()

    def digest(self) -> str:
        """Wait for the end and return what `Payload.digest` would.

        Raises
        ------
        OSError
            As raised when the file was read back.
        VerificationError
            When the file ended too early.
        """
        self._thread.join()
        if self._error is not None:
            raise self._error
        if self._stopped:
            raise VerificationError("The new copy is shorter than planned; the old file was kept.")
        return f"{self._payload.scheme}:{self._state.hexdigest()}"

    def _run(self) -> None:
        try:
            for offset, length in self._payload.spans:
                self._hash(offset, offset + length)
        except OSError as error:
            self._error = error

    def _hash(self, position: int, end: int) -> None:
        while position < end:
            with self._changed:
                while self._written <= position and not self._stopped:
                    self._changed.wait()
                if self._stopped:
                    return
                limit = min(self._written, end)
            while position < limit:
                block = os.pread(self._descriptor, min(BLOCK, limit - position), position)
                if not block:
                    self._stopped = True
                    return
                self._state.update(block)
                position += len(block)
