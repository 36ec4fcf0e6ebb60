"""The backend class of CNN14."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

from earmark_classifiers.audioset.labels import read_labels
from earmark_classifiers.downloaded import find_weights
from earmark_classifiers.torch_backend import TorchTagger
from earmark_plugin_api import Manifest, Window

if TYPE_CHECKING:
    from earmark_classifiers.panns.network import Cnn14

FILE_NAME = "Cnn14_mAP=0.431.pth"
"""Name of the published file."""


@cache
def make_manifest(embedding_size: int) -> Manifest:
    """Return the identity and needs of the classifier."""
    return Manifest(
        name="panns-cnn14",
        version="1.0.0",
        labels=read_labels(),
        sample_rate=32_000,
        window=Window(seconds=10.0, hop_seconds=10.0),
        licence="MIT AND CC-BY-4.0",
        description="527 AudioSet classes by PANNs CNN14, 0.431 mAP on AudioSet; large and slow.",
        devices=("cpu", "cuda"),
        embedding_size=embedding_size,
        memory_mb=1_000,
    )


class PannsCnn14(TorchTagger):
    """527 AudioSet classes by a published network; see ``docs/models/panns.md``.

    Levels are left as they are: the network was trained on them, and so are the published scores.
    """

    channels: ClassVar[Sequence[int]] = (64, 128, 256, 512, 1024, 2048)

    rows_on_cpu = 1

    @property
    def manifest(self) -> Manifest:
        """Identity, labels and needs."""
        return make_manifest(self.channels[-1])

    def require_available(self) -> None:
        """Tell whether the weights are on this machine.

        Raises
        ------
        WeightsMissingError
            With the command that gets them.
        """
        self._find_weights()

    def make_network(self) -> Cnn14:
        """Return the network with the published weights.

        Raises
        ------
        WeightsMissingError
            If the file is missing, or is not a checkpoint of this network.
        """
        from earmark_classifiers.panns.network import read_network

        return read_network(self._find_weights(), self.channels, self.manifest.name)

    def _find_weights(self) -> Path:
        return find_weights(self.manifest.name, FILE_NAME)
