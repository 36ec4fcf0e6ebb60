"""Training classifiers of the `cnn` backend."""

from __future__ import annotations

from typing import TYPE_CHECKING

from earmark_classifiers.cnn.classifier import CnnClassifier
from earmark_classifiers.training.torch_trainer import TorchTrainer

if TYPE_CHECKING:
    from earmark_classifiers.networks.segments import Architectures, SegmentNetwork


class CnnTrainer(TorchTrainer):
    """Trains the small network, or goes on from the body of `audioset`."""

    backend = "cnn"
    bundled = CnnClassifier.bundled
    fresh = "small"

    def architectures(self) -> Architectures:
        """Return the small network and the one with the body of `audioset`."""
        from earmark_classifiers.cnn.network import ARCHITECTURES

        return ARCHITECTURES

    def describe(self, architecture: str, labels: tuple[str, ...]) -> str:
        """Return one sentence for people about a classifier."""
        kind = "small convolutional network" if architecture == self.fresh else "audioset's body"
        return f"{len(labels)} classes: {kind} over log-mel segments."

    def start_from(self, init: str, classes: int) -> tuple[str, SegmentNetwork]:
        """Start from `audioset`; see the base class for anything else."""
        if init != "audioset":
            return super().start_from(init, classes)
        from earmark_classifiers.cnn.network import AUDIOSET_BODY, AudioSetBody
        from earmark_classifiers.training.starting import read_audioset

        return AUDIOSET_BODY, AudioSetBody(classes, read_audioset())
