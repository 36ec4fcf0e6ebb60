"""An installed classifier, loaded in this process, over files: clip scores and window scores.

The same pieces as in the worker processes of `earmark_workers.engine`: guarded decoding, the same
windows, batches, checks and pooling. Only the process is this one, since nothing is written.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

import numpy as np
import numpy.typing as npt

from earmark.classifiers.errors import ClassifierUnavailableError
from earmark.classifiers.registry import get_plugin, make_classifier
from earmark_files.errors import AudioFileError
from earmark_files.guard import GuardedDecoder
from earmark_plugin_api import Classifier, ClassifierError, ClipWindow, Manifest, WindowCutter
from earmark_workers.engine.batching import Batcher, ClipError
from earmark_workers.engine.checked import CheckedScorer
from earmark_workers.engine.decode import SILENCE_PEAK
from earmark_workers.engine.messages import SILENT

Floats = npt.NDArray[np.float32]

BATCH_WINDOWS = 8
"""Windows scored at once; on a processor more are no faster."""


@dataclass(frozen=True)
class Unheard:
    """A file that got no scores, and why."""

    path: Path
    code: str
    message: str


@dataclass(frozen=True, eq=False)
class Heard:
    """A file and its clip scores, shape (labels,)."""

    path: Path
    scores: Floats


@dataclass(frozen=True, eq=False)
class WindowTimes:
    """What a classifier says over the length of one file.

    Attributes
    ----------
    starts, ends : ndarray of float32, shape (windows,)
        In seconds.
    scores : ndarray of float32, shape (windows, labels)
    pooled : ndarray of float32, shape (labels,)
        Clip scores.
    """

    starts: Floats
    ends: Floats
    scores: Floats
    pooled: Floats


class Listener:
    """A loaded classifier and a guarded decoder. Use it in a ``with`` statement.

    Parameters
    ----------
    name : str
        Of an installed classifier, see `earmark.classifiers.registry`.

    Raises
    ------
    ClassifierUnavailableError
        If there is none of that name, or it cannot be imported or loaded here.
    """

    def __init__(self, name: str) -> None:
        self._classifier = _load(name)
        self._scorer = CheckedScorer(self._classifier)
        self._guard = GuardedDecoder()
        self.seconds = 0.0
        """Sound decoded so far."""

    def __enter__(self) -> Listener:
        return self

    def __exit__(self, *_: object) -> None:
        self._guard.close()
        self._classifier.close()

    @property
    def manifest(self) -> Manifest:
        """Identity, labels and needs of the classifier."""
        return self._classifier.manifest

    def hear(self, paths: Sequence[Path]) -> Iterator[Heard | Unheard]:
        """Score files; each comes once, those that fail too, nearly in the order of `paths`.

        A silent file fails with the code ``silent``, as it does in ``tag``.
        """
        batcher = Batcher(self._scorer, BATCH_WINDOWS)
        for task, path in enumerate(paths):
            try:
                for window in self._windows(path):
                    batcher.add(task, window)
                    if batcher.full:
                        batcher.flush()
                batcher.end(task)
            except AudioFileError as error:
                batcher.drop(task)
                yield Unheard(path, error.code, error.message)
            yield from _finished(batcher, paths)
        batcher.flush()
        yield from _finished(batcher, paths)

    def follow(self, path: Path) -> WindowTimes:
        """Score the windows of one file.

        Raises
        ------
        AudioFileError
            If it cannot be decoded or is silent.
        ClassifierError
            If the classifier refuses it.
        """
        windows = self._windows(path)
        times: list[tuple[float, float]] = []
        rows: list[Floats] = []
        while batch := list(islice(windows, BATCH_WINDOWS)):
            times += [(window.start, window.end) for window in batch]
            samples = np.stack([window.samples for window in batch])
            rows.append(self._scorer.predict(samples).scores)
        scores = np.concatenate(rows)
        starts, ends = np.asarray(times, np.float32).T
        return WindowTimes(starts, ends, scores, self._scorer.pool(scores))

    def _windows(self, path: Path) -> Iterator[ClipWindow]:
        rate = self.manifest.sample_rate
        cutter = WindowCutter(self.manifest.window, rate)
        peak = 0.0
        with self._guard.stream(path, sample_rate=rate) as blocks:
            for block in blocks:
                peak = max(peak, float(np.abs(block).max(initial=0.0)))
                self.seconds += len(block) / rate
                yield from cutter.push(block)
        yield from cutter.finish()
        if peak < SILENCE_PEAK:
            raise AudioFileError(
                "The file is silent (never louder than -70 dBFS), so there is nothing to name.",
                code=SILENT,
                path=path,
            )


def _finished(batcher: Batcher, paths: Sequence[Path]) -> Iterator[Heard | Unheard]:
    for clip in batcher.take_finished():
        path = paths[clip.task]
        if isinstance(clip, ClipError):
            yield Unheard(path, clip.error.code, str(clip.error))
        else:
            yield Heard(path, clip.scores)


def _load(name: str) -> Classifier:
    plugin = get_plugin(name)
    if plugin.problem:
        raise ClassifierUnavailableError(plugin.problem)
    try:
        made = make_classifier(plugin.target, plugin.folder)
        made.load()
    except ClassifierError as error:
        raise ClassifierUnavailableError(
            f"The classifier {name!r} cannot be used: {error}", context={"reason": error.code}
        ) from error
    except Exception as error:
        # A plugin is foreign code: whatever it raises, the user gets a sentence.
        raise ClassifierUnavailableError(
            f"The classifier {name!r} is broken ({type(error).__name__}: {error}); install it "
            "again or tell its authors."
        ) from error
    return made
