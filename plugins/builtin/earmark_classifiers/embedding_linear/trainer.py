"""Training on what the `audioset` network hears."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from earmark_classifiers.embedding_linear.describing import Embedder
from earmark_classifiers.tabular.fitting import fit_linear
from earmark_classifiers.tabular.learning import Learner
from earmark_classifiers.tabular.trainer import Describe, TabularTrainer


class EmbeddingLinearTrainer(TabularTrainer):
    """One logistic regression a label over embedding and logits."""

    backend = "embedding-linear"
    learner = Learner(fit_linear, strengths=(0.001, 0.003, 0.01, 0.03, 0.1))

    def __init__(self) -> None:
        self._embedder = Embedder()
        self.sample_rate = self._embedder.sample_rate
        self.window = self._embedder.window
        self.devices = self._embedder.devices
        self.embedding_size = self._embedder.embedding_size
        self.memory_mb = self._embedder.memory_mb

    @contextmanager
    def describer(self, device: str) -> Iterator[Describe]:
        """Load the network for as long as it is needed."""
        self._embedder.load(device)
        try:
            yield lambda windows: self._embedder.describe(windows)[0]
        finally:
            self._embedder.close()

    def settings(self) -> dict[str, Any]:
        """Return the identity of the network, which the classifier insists on."""
        return {"embedder": self._embedder.identity}

    def summary(self, labels: int) -> str:
        """Return one sentence for people."""
        return f"{labels} classes: logistic regression over what {self._embedder.identity} hears."
