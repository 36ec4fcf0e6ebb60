"""The backend class: one sound, short windows close together."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from earmark_classifiers.detector.describing import describe_short
from earmark_classifiers.detector.events import EventRules
from earmark_classifiers.embedding_linear.classifier import EmbeddingClassifier

Floats = npt.NDArray[np.float32]

THRESHOLD = 0.5
"""Scores are centred by the training: from here on a window has the sound."""

RELEASE_SHARE = 0.6
"""An event goes on while windows reach this share of the threshold."""


class DetectorClassifier(EmbeddingClassifier):
    """Tells whether one sound is in a window; its only label is that sound.

    Parameters
    ----------
    folder : Path
        A detector somebody trained; see ``docs/models/detector.md``.
    """

    def rules(self, threshold: float = THRESHOLD, min_seconds: float = 0.0) -> EventRules:
        """Return how its windows become events.

        Parameters
        ----------
        threshold : float
            In (0, 1].
        min_seconds : float
            Shorter events are dropped.
        """
        return EventRules(
            threshold=threshold,
            release=RELEASE_SHARE * threshold,
            max_gap=self.manifest.window.hop_seconds,
            min_seconds=min_seconds,
        )

    def describe(self, windows: Floats) -> tuple[Floats, Floats]:
        """Return features and embeddings of windows ``[windows, samples]``."""
        return describe_short(self._embedder, windows)
