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

Floats = npt.NDArray[np.float32]


class Scorer(Protocol):
    """The part of a `Classifier` that batching needs."""

    def predict(self, windows: Floats) -> WindowScores:
        """Score a batch."""
        ...

    def pool(self, scores: Floats) -> Floats:
        """Combine the window scores of one file."""
        ...


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
    """

    task: int
    scores: Floats
    starts: Floats
    ends: Floats
    windows: int


@dataclass(frozen=True)
class ClipError:
    """A file the classifier refused."""

    task: int
    error: ClassifierError


@dataclass
class _Clip:
    """Scores so far. Rows only, never audio: 10 h of 5 s windows are 15 MB for 527 labels."""

    rows: list[Floats] = field(default_factory=list)
    times: list[tuple[float, float]] = field(default_factory=list)
    waiting: int = 0
    ended: bool = False
    error: ClassifierError | None = None


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
        self._clips: dict[int, _Clip] = {}
        self._pending: list[tuple[int, Floats]] = []

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
        clip = self._clips.setdefault(task, _Clip())
        clip.times.append((window.start, window.end))
        clip.waiting += 1
        self._pending.append((task, window.samples))

    def end(self, task: int) -> None:
        """Say that file `task` has no more windows."""
        self._clips.setdefault(task, _Clip()).ended = True

    def drop(self, task: int) -> None:
        """Forget a file that failed elsewhere, and its windows."""
        self._clips.pop(task, None)
        self._pending = [entry for entry in self._pending if entry[0] != task]

    def flush(self) -> None:
        """Score all queued windows."""
        while self._pending:
            batch, self._pending = self._pending[: self._limit], self._pending[self._limit :]
            self._score(batch)

    def take_finished(self) -> list[ClipScores | ClipError]:
        """Return the files that are complete now; each is returned once."""
        done = [t for t, c in self._clips.items() if c.ended and not c.waiting]
        return [self._finish(task, self._clips.pop(task)) for task in done]

    def _finish(self, task: int, clip: _Clip) -> ClipScores | ClipError:
        if clip.error is not None:
            return ClipError(task, clip.error)
        rows = np.concatenate(clip.rows)
        best = rows.argmax(axis=0)
        times = np.asarray(clip.times, np.float32)
        try:
            scores = self._scorer.pool(rows)
        except ClassifierError as error:
            return ClipError(task, error)
        return ClipScores(task, scores, times[best, 0], times[best, 1], len(rows))

    def _score(self, batch: list[tuple[int, Floats]]) -> None:
        try:
            scores = self._scorer.predict(np.stack([samples for _, samples in batch])).scores
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
        self._hand_out([task for task, _ in batch], scores)

    def _score_apart(self, batch: list[tuple[int, Floats]], error: ClassifierError) -> None:
        """Score a refused batch file by file, so that only the culprit fails."""
        tasks = list(dict.fromkeys(task for task, _ in batch))
        if len(tasks) == 1:
            self._refuse(batch, error)
            return
        for task in tasks:
            self._score([entry for entry in batch if entry[0] == task])

    def _refuse(self, batch: list[tuple[int, Floats]], error: ClassifierError) -> None:
        for task, _ in batch:
            self._clips[task].waiting -= 1
            self._clips[task].error = error

    def _hand_out(self, tasks: list[int], scores: Floats) -> None:
        owners = np.asarray(tasks)
        for task in dict.fromkeys(tasks):
            rows = scores[owners == task]
            clip = self._clips[task]
            clip.rows.append(rows)
            clip.waiting -= len(rows)
