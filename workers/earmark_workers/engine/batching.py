"""Windows of many files in one batch, and their scores back to the file they came from.

Pure: no threads, no clock, no files. A classifier is the only thing called.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Protocol

import numpy as np
import numpy.typing as npt

from earmark_plugin_api import (
    ClassifierError,
    ClipWindow,
    OutOfDeviceMemoryError,
    WindowScores,
)
from earmark_workers.engine.clip import Clip, ClipScores

Floats = npt.NDArray[np.float32]


class Scorer(Protocol):
    """The part of a `Classifier` that batching needs."""

    def predict(self, windows: Floats) -> WindowScores:
        """Score a batch."""
        ...

    def pool(self, scores: Floats) -> Floats:
        """Combine the window scores of one file."""
        ...


@dataclass(frozen=True)
class ClipError:
    """A file the classifier refused."""

    task: int
    error: ClassifierError


@dataclass
class _Entry:
    """A file on its way."""

    clip: Clip = field(default_factory=Clip)
    waiting: int = 0
    ended: bool = False
    error: ClassifierError | None = None


@dataclass(frozen=True, eq=False)
class _Pending:
    task: int
    window: ClipWindow


class Batcher:
    """Collects windows until a batch is full, scores it, and pools files that are complete.

    Parameters
    ----------
    scorer : Scorer
        A loaded classifier.
    batch_windows : int
        Windows per call of `predict`; halved for good when a device runs out of memory.
    """

    def __init__(self, scorer: Scorer, batch_windows: int) -> None:
        self._scorer = scorer
        self._limit = max(1, batch_windows)
        self._clips: dict[int, _Entry] = {}
        self._pending: list[_Pending] = []

    @property
    def full(self) -> bool:
        """Whether the next call should be `flush`."""
        return len(self._pending) >= self._limit

    @property
    def pending(self) -> int:
        """Windows that wait for their scores."""
        return len(self._pending)

    def add(self, task: int, window: ClipWindow) -> None:
        """Queue a window of file `task`."""
        self._clips.setdefault(task, _Entry()).waiting += 1
        self._pending.append(_Pending(task, window))

    def end(self, task: int) -> None:
        """Say that file `task` has no more windows."""
        self._clips.setdefault(task, _Entry()).ended = True

    def drop(self, task: int) -> None:
        """Forget a file that failed elsewhere, and its windows."""
        if self._clips.pop(task, None) is not None:
            self._pending = [entry for entry in self._pending if entry.task != task]

    def flush(self) -> None:
        """Score all queued windows."""
        while self._pending:
            batch, self._pending = self._pending[: self._limit], self._pending[self._limit :]
            self._score(batch)

    def take_finished(self) -> list[ClipScores | ClipError]:
        """Return the files that are complete now; each is returned once."""
        done = [t for t, c in self._clips.items() if c.ended and not c.waiting]
        return [self._finish(task, self._clips.pop(task)) for task in done]

    def _finish(self, task: int, entry: _Entry) -> ClipScores | ClipError:
        if entry.error is not None:
            return ClipError(task, entry.error)
        try:
            return entry.clip.finish(task, self._scorer.pool)
        except ClassifierError as error:
            return ClipError(task, error)

    def _score(self, batch: list[_Pending]) -> None:
        try:
            result = self._scorer.predict(np.stack([entry.window.samples for entry in batch]))
        except OutOfDeviceMemoryError as error:
            if len(batch) == 1:
                self._refuse(batch, error)
                return
            self._limit = max(1, len(batch) // 2)
            self._pending = batch + self._pending
            return
        except ClassifierError as error:
            self._score_apart(batch, error)
            return
        self._hand_out(batch, result)

    def _score_apart(self, batch: list[_Pending], error: ClassifierError) -> None:
        """Score a refused batch file by file, so that only the culprit fails."""
        tasks = list(dict.fromkeys(entry.task for entry in batch))
        if len(tasks) == 1:
            self._refuse(batch, error)
            return
        for task in tasks:
            self._score([entry for entry in batch if entry.task == task])

    def _refuse(self, batch: list[_Pending], error: ClassifierError) -> None:
        for entry in batch:
            self._clips[entry.task].waiting -= 1
            self._clips[entry.task].error = error

    def _hand_out(self, batch: list[_Pending], result: WindowScores) -> None:
        owners = np.asarray([entry.task for entry in batch])
        times = np.asarray([(e.window.start, e.window.end) for e in batch], np.float32)
        for task in dict.fromkeys(owners.tolist()):
            own = owners == task
            clip = self._clips[task]
            embeddings = None if result.embeddings is None else result.embeddings[own]
            clip.clip.add(result.scores[own], embeddings, times[own])
            clip.waiting -= int(own.sum())
