"""Training classifiers of the `rnn` backend."""

from __future__ import annotations

from typing import TYPE_CHECKING

from earmark_classifiers.rnn.classifier import RnnClassifier
from earmark_classifiers.training.torch_trainer import TorchTrainer

if TYPE_CHECKING:
    from earmark_classifiers.networks.segments import Architectures


class RnnTrainer(TorchTrainer):
    """Trains the GRU."""

    backend = "rnn"
    bundled = RnnClassifier.bundled
    fresh = "gru"

    def architectures(self) -> Architectures:
        """Return the GRU."""
        from earmark_classifiers.rnn.network import ARCHITECTURES

        return ARCHITECTURES

    def describe(self, architecture: str, labels: tuple[str, ...]) -> str:
        """Return one sentence for people about a classifier."""
        return f"{len(labels)} classes: a GRU with attention over frames of MFCC and log-mels."
