"""The backend class: one sound, short windows close together."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from earmark_classifiers.detector.describing import describe_short
from earmark_classifiers.detector.events import EventRules
from earmark_classifiers.embedding_linear.classifier import EmbeddingClassifier
from earmark_classifiers.tabular.arrays import ArraysUnusableError

Floats = npt.NDArray[np.float32]

RELEASE_SHARE = 0.6
"""An event goes on while windows reach this share of the threshold."""


class DetectorClassifier(EmbeddingClassifier):
    """Tells whether one sound is in a window; its only label is that sound.

    Parameters
    ----------
    folder : Path
        A detector somebody trained; see ``docs/models/detector.md``.
    """

    def rules(self, threshold: float | None = None, min_seconds: float = 0.0) -> EventRules:
        """Return how its windows become events.

        Parameters
        ----------
        threshold : float, optional
            In (0, 1]; by default the one that was best on the validation sounds.
        min_seconds : float
            Shorter events are dropped.

        Raises
        ------
        ArraysUnusableError
            If the folder tells no threshold.
        """
        if threshold is None:
            told = self.trained.settings.get("threshold")
            if not isinstance(told, float) or not 0 < told <= 1:
                raise ArraysUnusableError(
                    f"{self.manifest.identity} has no threshold; train it again."
                )
            threshold = told
        return EventRules(
            threshold=threshold,
            release=RELEASE_SHARE * threshold,
            max_gap=self.manifest.window.hop_seconds,
            min_seconds=min_seconds,
        )

    def describe(self, windows: Floats) -> tuple[Floats, Floats]:
        """Return features and embeddings of windows ``[windows, samples]``."""
        return describe_short(self._embedder, windows)
