"""What the `audioset` classifier says of windows, as features."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from earmark_classifiers.audioset import AudioSetClassifier

Floats = npt.NDArray[np.float32]

SURE = 1e-5
"""Scores are held this far from 0 and 1: a logit has to be finite."""


class Embedder:
    """The bundled `audioset` classifier as a source of features.

    Its scores are logits again before they become features: a logit tells 0.001 from 0.01, which
    between sounds that are neither is most of what there is to tell.
    """

    def __init__(self) -> None:
        self._classifier = AudioSetClassifier()
        manifest = self._classifier.manifest
        self.identity = manifest.identity
        self.embedding_size = manifest.embedding_size
        self.sample_rate = manifest.sample_rate
        self.window = manifest.window
        self.devices = manifest.devices
        self.memory_mb = manifest.memory_mb

    def load(self, device: str) -> None:
        """Load the network; see `AudioSetClassifier.load`."""
        self._classifier.load(device)

    def describe(self, windows: Floats) -> tuple[Floats, Floats]:
        """Describe windows ``[windows, samples]``.

        Returns
        -------
        (ndarray, ndarray)
            Features ``[windows, embedding_size + 527]``: the embedding, then the logits; and the
            embedding ``[windows, embedding_size]`` alone.
        """
        result = self._classifier.predict(windows)
        assert result.embeddings is not None  # its manifest promises them
        scores = np.clip(result.scores.astype(np.float64), SURE, 1 - SURE)
        logits = np.log(scores / (1 - scores)).astype(np.float32)
        return np.concatenate((result.embeddings, logits), axis=1), result.embeddings

    def close(self) -> None:
        """Give the memory back."""
        self._classifier.close()
