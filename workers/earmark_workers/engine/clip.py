"""What is kept of one file while its windows are scored: numbers, never audio."""

from __future__ import annotations

import mmap
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from earmark.jobs.timeline import pack_timeline

Floats = npt.NDArray[np.float32]

_FIRST_BYTES = 1 << 16


@dataclass(frozen=True, eq=False)
class ClipScores:
    """A finished file.

    Attributes
    ----------
    scores : ndarray of float32, shape (labels,)
    starts, ends : ndarray of float32, shape (labels,)
        The highest scoring window of each label, in seconds.
    windows : int
        How many windows were scored.
    timeline : bytes
        See `earmark.jobs.timeline.pack_timeline`.
    embedding : bytes or None
        The mean over windows, of length one, as little-endian float16.
    """

    task: int
    scores: Floats
    starts: Floats
    ends: Floats
    windows: int
    timeline: bytes
    embedding: bytes | None


class Rows:
    """Rows of float32 that come a few at a time and are wanted as one array in the end.

    They lie in a mapping of their own, which grows without being copied and goes back to the
    system as a whole: hours of windows need their rows once, not twice, and leave no holes.
    """

    def __init__(self, columns: int) -> None:
        self._columns = columns
        self._bytes = 0
        self._memory: mmap.mmap | None = None

    def __len__(self) -> int:
        return self._bytes // (4 * self._columns) if self._columns else 0

    def append(self, rows: Floats) -> None:
        """Add rows of shape (n, columns)."""
        data = np.ascontiguousarray(rows, dtype=np.float32).tobytes()
        if self._memory is None:
            # Private: behind what a shared mapping has grown by there is no memory.
            flags = mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS
            self._memory = mmap.mmap(-1, max(_FIRST_BYTES, len(data)), flags=flags)
        needed = self._bytes + len(data)
        if needed > len(self._memory):
            self._memory.resize(max(needed, 2 * len(self._memory)))
        self._memory[self._bytes : needed] = data
        self._bytes = needed

    def take(self) -> Floats:
        """Return all rows, shape (n, columns); these rows get no more after that."""
        if self._memory is None:
            return np.zeros((0, self._columns), np.float32)
        memory, self._memory = self._memory, None
        return np.frombuffer(memory, np.float32, self._bytes // 4).reshape(-1, self._columns)


class Clip:
    """The windows of one file, in their order, as far as they have scores."""

    def __init__(self) -> None:
        self._rows: Rows | None = None
        self._times = Rows(2)
        self._embedding: npt.NDArray[np.float64] | None = None

    def add(self, scores: Floats, embeddings: Floats | None, times: Floats) -> None:
        """Take in scored windows.

        Parameters
        ----------
        scores : ndarray, shape (n, labels)
        embeddings : ndarray, shape (n, embedding_size), or None
        times : ndarray, shape (n, 2)
            Start and end in seconds.
        """
        if self._rows is None:
            self._rows = Rows(scores.shape[1])
        self._rows.append(scores)
        self._times.append(times)
        if embeddings is not None:
            total = embeddings.sum(axis=0, dtype=np.float64)
            self._embedding = total if self._embedding is None else self._embedding + total

    def finish(self, task: int, pool: Callable[[Floats], Floats]) -> ClipScores:
        """Pool the windows; raises what `pool` raises. To be called once, after a window."""
        assert self._rows is not None
        rows, times = self._rows.take(), self._times.take()
        best = rows.argmax(axis=0)
        return ClipScores(
            task=task,
            scores=pool(rows),
            starts=times[best, 0],
            ends=times[best, 1],
            windows=len(rows),
            timeline=pack_timeline(rows, times),
            embedding=None if self._embedding is None else unit_bytes(self._embedding),
        )


def unit_bytes(vector: npt.NDArray[np.float64]) -> bytes:
    """Scale a vector to length one, as little-endian float16; a zero vector stays zero."""
    length = float(np.linalg.norm(vector))
    return (vector / length if length else vector).astype("<f2").tobytes()
