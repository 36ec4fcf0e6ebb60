"""The backend classes, one a size."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

from earmark_classifiers.audioset.labels import read_labels
from earmark_classifiers.downloaded import find_weights
from earmark_classifiers.torch_backend import TorchTagger
from earmark_plugin_api import Manifest, Window

if TYPE_CHECKING:
    from earmark_classifiers.efficientat.network import EfficientAtNetwork

WEIGHTS_VARIABLE = "EARMARK_EFFICIENTAT_WEIGHTS"
"""Environment variable with the folder of the published files, or one of them."""


@dataclass(frozen=True)
class Size:
    """One of the published networks.

    Attributes
    ----------
    name : str
        Such as ``mn10``.
    width : float
        Channel multiplier.
    mean_average_precision : float
        On the evaluation set of AudioSet, as published.
    embedding_size : int
    memory_mb : int
    """

    name: str
    width: float
    mean_average_precision: float
    embedding_size: int
    memory_mb: int

    @property
    def file_name(self) -> str:
        """Name of the published state dict, such as ``mn10_as_mAP_471.pt``."""
        return f"{self.name}_as_mAP_{round(1000 * self.mean_average_precision)}.pt"


MN04 = Size("mn04", 0.4, 0.432, 384, 300)
MN10 = Size("mn10", 1.0, 0.471, 960, 400)
MN20 = Size("mn20", 2.0, 0.478, 1920, 600)


@cache
def make_manifest(size: Size) -> Manifest:
    """Return the identity and needs of the classifier of a size."""
    return Manifest(
        name=f"efficientat-{size.name}",
        version="1.0.0",
        labels=read_labels(),
        sample_rate=32_000,
        window=Window(seconds=10.0, hop_seconds=10.0),
        licence="MIT",
        description=(
            f"527 AudioSet classes by EfficientAT {size.name}, "
            f"{size.mean_average_precision} mAP on AudioSet."
        ),
        devices=("cpu", "cuda"),
        embedding_size=size.embedding_size,
        memory_mb=size.memory_mb,
    )


class EfficientAtClassifier(TorchTagger):
    """527 AudioSet classes by a published network; see ``docs/models/efficientat.md``.

    Levels are left as they are: the networks were trained on them, and so are the published
    scores.
    """

    size: ClassVar[Size]

    rows_on_cpu = 4

    @property
    def manifest(self) -> Manifest:
        """Identity, labels and needs."""
        return make_manifest(self.size)

    def require_available(self) -> None:
        """Tell whether the weights are on this machine.

        Raises
        ------
        WeightsMissingError
            With the command that gets them.
        """
        self._find_weights()

    def make_network(self) -> EfficientAtNetwork:
        """Return the network with the published weights.

        Raises
        ------
        WeightsMissingError
            If the file is missing, or is not a state dict of this network.
        """
        from earmark_classifiers.efficientat.network import read_network

        return read_network(self._find_weights(), self.size.width, self.manifest.name)

    def _find_weights(self) -> Path:
        return find_weights(self.manifest.name, self.size.file_name, WEIGHTS_VARIABLE)


class EfficientAtMn04(EfficientAtClassifier):
    """The smallest: 1.0 million parameters."""

    size = MN04


class EfficientAtMn10(EfficientAtClassifier):
    """The middle one: 4.9 million parameters."""

    size = MN10


class EfficientAtMn20(EfficientAtClassifier):
    """The largest: 17.9 million parameters."""

    size = MN20
