"""Send bytes of an open file in constant memory, without holding a thread while nobody reads."""

from __future__ import annotations

import asyncio
import os

from earmark.library.sound.opening import OpenSound

CHUNK_BYTES = 1 << 18


class SoundShrankError(Exception):
    """The file has become shorter than was promised: the answer must not look complete."""


class SoundBody:
    """An asynchronous iterator over a part of a file, which it closes at its end.

    A class and no generator: a generator that nobody begins to read never gets to its end, and
    the file would stay open. Django calls `close` for every response.

    Parameters
    ----------
    sound : OpenSound
    first, length : int
        Which bytes.
    """

    def __init__(self, sound: OpenSound, first: int, length: int) -> None:
        self._sound = sound
        self._at = first
        self._end = first + length

    def __aiter__(self) -> SoundBody:
        return self

    async def __anext__(self) -> bytes:
        if self._at >= self._end:
            self.close()
            raise StopAsyncIteration
        wanted = min(CHUNK_BYTES, self._end - self._at)
        data = await asyncio.to_thread(os.pread, self._sound.fd, wanted, self._at)
        if not data:
            self.close()
            raise SoundShrankError(f"{self._end - self._at} bytes are missing at the end")
        self._at += len(data)
        return data

    def close(self) -> None:
        """Close the file; harmless when it is closed."""
        self._sound.close()
