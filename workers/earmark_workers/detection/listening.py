"""One recording through a detector, in memory that does not depend on its length."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from earmark_classifiers.detector import Event, EventRules, find_events
from earmark_files.errors import AnyPath
from earmark_files.guard import GuardedDecoder
from earmark_plugin_api import Classifier, ClipWindow, WindowCutter

BATCH = 16
"""Windows scored at once."""


@dataclass(frozen=True)
class Detections:
    """What was found in a recording.

    Attributes
    ----------
    seconds : float
        Length of the recording.
    events : tuple of Event
        From first to last.
    """

    seconds: float
    events: tuple[Event, ...]


def listen(
    path: AnyPath,
    classifier: Classifier,
    rules: EventRules,
    decoder: GuardedDecoder,
    report: Callable[[float], None] = lambda seconds: None,
) -> Detections:
    """Find the events in a file.

    Parameters
    ----------
    path : path
    classifier : Classifier
        Loaded; its first label is what is looked for.
    rules : EventRules
    decoder : GuardedDecoder
    report : callable
        Called with how many seconds were heard.

    Raises
    ------
    AudioFileError
        If the file cannot be read to its end: half a recording has no count.
    """
    scorer = _Scorer(classifier)
    manifest = classifier.manifest
    cutter = WindowCutter(manifest.window, manifest.sample_rate)
    heard = 0
    with decoder.stream(path, sample_rate=manifest.sample_rate) as blocks:
        for block in blocks:
            for window in cutter.push(block):
                scorer.add(window)
            heard += len(block)
            report(heard / manifest.sample_rate)
    for window in cutter.finish():
        scorer.add(window)
    return Detections(heard / manifest.sample_rate, tuple(scorer.events(rules)))


class _Scorer:
    """Keeps three numbers of each window, and no more windows than a batch."""

    def __init__(self, classifier: Classifier) -> None:
        self._classifier = classifier
        self._waiting: list[ClipWindow] = []
        self._starts: list[float] = []
        self._ends: list[float] = []
        self._scores: list[float] = []

    def add(self, window: ClipWindow) -> None:
        self._waiting.append(window)
        if len(self._waiting) == BATCH:
            self._score()

    def events(self, rules: EventRules) -> list[Event]:
        self._score()
        starts, ends, scores = map(np.array, (self._starts, self._ends, self._scores))
        return find_events(starts, ends, scores, rules)

    def _score(self) -> None:
        if not self._waiting:
            return
        result = self._classifier.predict(np.stack([part.samples for part in self._waiting]))
        self._starts += [part.start for part in self._waiting]
        self._ends += [part.end for part in self._waiting]
        self._scores += result.scores[:, 0].tolist()
        self._waiting.clear()
