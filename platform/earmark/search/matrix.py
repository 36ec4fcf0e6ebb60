"""Embeddings of all sounds as one file of numbers, read where they lie.

Rows are only ever added, in the order of `EmbeddingRow`: every machine keeps its own file, and
knows by the last row it took up what it lacks. A row that was replaced stays where it is and is
recognised by its number. The count is written after the rows, so what a kill left behind them
is overwritten.
"""

from __future__ import annotations

import fcntl
import json
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np
import numpy.typing as npt
from threadpoolctl import ThreadpoolController

_BLOCK = 65_536
"""Rows multiplied at once: 64 MB at 256 numbers each."""


@cache
def _threads() -> ThreadpoolController:
    return ThreadpoolController()


@dataclass(frozen=True)
class _State:
    rows: int = 0
    last: int = 0


class EmbeddingMatrix:
    """The embeddings of one classifier.

    Parameters
    ----------
    folder : Path
        Of this matrix alone; made when needed.
    size : int
        Numbers in an embedding.
    """

    def __init__(self, folder: Path, size: int) -> None:
        self._folder = folder
        self._size = size

    @property
    def last(self) -> int:
        """The last `EmbeddingRow` that was taken up; 0 at the beginning."""
        return self._state().last

    def __len__(self) -> int:
        return self._state().rows

    @contextmanager
    def writing(self) -> Iterator[None]:
        """Be the only process that adds."""
        self._folder.mkdir(parents=True, exist_ok=True)
        with (self._folder / "lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield

    def add(self, rows: Sequence[tuple[int, int, bytes]]) -> None:
        """Add rows; within `writing`.

        Parameters
        ----------
        rows : sequence of (int, int, bytes)
            Number of the `EmbeddingRow`, of the prediction set, and the embedding as it is
            stored (little-endian float16).
        """
        state = self._state()
        fitting = [row for row in rows if len(row[2]) == 2 * self._size]
        vectors = np.array([np.frombuffer(row[2], "<f2") for row in fitting], np.float32)
        sets = np.array([row[1] for row in fitting], np.int64)
        self._write("vectors", vectors.tobytes(), state.rows * self._size * 4)
        self._write("sets", sets.tobytes(), state.rows * 8)
        news = {"rows": state.rows + len(fitting), "last": rows[-1][0]}
        temporary = self._folder / "state.new"
        temporary.write_text(json.dumps(news))
        temporary.replace(self._folder / "state")

    def nearest(
        self, vector: npt.NDArray[np.float32], number: int
    ) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.float32]]:
        """Return the prediction sets whose embeddings lie nearest, nearest first.

        Parameters
        ----------
        vector : ndarray, float32, shape (size,)
            Of length one.
        number : int
            How many at most.

        Returns
        -------
        sets : ndarray, int64
        similarities : ndarray, float32
            Cosines of the angle, in [-1, 1].
        """
        rows = len(self)
        if not rows:
            return np.zeros(0, np.int64), np.zeros(0, np.float32)
        vectors = np.memmap(self._folder / "vectors", np.float32, "r", shape=(rows, self._size))
        sets = np.memmap(self._folder / "sets", np.int64, "r", shape=(rows,))
        scores = np.empty(rows, np.float32)
        # Each request has its own processor core: threads of one would wait for those of others.
        with _threads().limit(limits=1):
            for start in range(0, rows, _BLOCK):
                np.dot(vectors[start : start + _BLOCK], vector, out=scores[start : start + _BLOCK])
        best = np.argpartition(-scores, min(number, rows) - 1)[:number]
        best = best[np.argsort(-scores[best], kind="stable")]
        return np.asarray(sets[best]), scores[best]

    def _state(self) -> _State:
        try:
            return _State(**json.loads((self._folder / "state").read_text()))
        except FileNotFoundError:
            return _State()

    def _write(self, name: str, content: bytes, at: int) -> None:
        descriptor = os.open(self._folder / name, os.O_WRONLY | os.O_CREAT, 0o644)
        with os.fdopen(descriptor, "wb") as file:
            file.truncate(at)
            file.seek(at)
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
