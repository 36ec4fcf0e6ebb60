"""Classifiers made by `earmark_classifiers.training`: a network over segments from a folder.

Importing this module does not import torch; loading does.
"""

from __future__ import annotations

from abc import abstractmethod
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
import numpy.typing as npt

from earmark_classifiers.calibration import Calibration
from earmark_classifiers.torch_backend import TorchTagger
from earmark_classifiers.trained import TrainedFolder, TrainedFolderError
from earmark_classifiers.trained_tagger import TrainedTagger

if TYPE_CHECKING:
    from earmark_classifiers.networks.segments import Architectures, SegmentNetwork

Floats = npt.NDArray[np.float32]

WEIGHTS_FILE = "weights.safetensors"


class SegmentTagger(TrainedTagger, TorchTagger):
    """A classifier whose network, labels and calibration are in a folder.

    Made without arguments it is the one that ships.

    Parameters
    ----------
    folder : Path, optional
        Of a trained classifier of this backend.

    Raises
    ------
    TrainedFolderError
        If the folder cannot be used.
    """

    rows_on_cpu = 8
    backend: ClassVar[str]
    bundled: ClassVar[Path]
    """Folder of the classifier that ships."""

    def __init__(self, folder: Path | None = None) -> None:
        super().__init__(folder or self.bundled)
        if self.trained.backend != self.backend:
            raise TrainedFolderError(
                f"{self.trained.path} is of the backend {self.trained.backend!r}, "
                f"not {self.backend!r}."
            )

    @staticmethod
    @abstractmethod
    def architectures() -> Architectures:
        """Return the networks this backend has, by name; imports torch."""

    def make_network(self) -> SegmentNetwork:
        """Return the network of the folder, ready for inference."""
        from earmark_classifiers.networks.mobilenet import fuse_batch_norms

        return fuse_batch_norms(read_network(self.trained, self.architectures()))

    def to_scores(self, logits: Floats) -> Floats:
        """Map logits to scores with the calibration of the folder."""
        return Calibration(**self.trained.settings.get("calibration", {}))(logits)


def read_network(trained: TrainedFolder, architectures: Architectures) -> SegmentNetwork:
    """Make the network of a folder with its weights, on the CPU, as it was trained.

    Raises
    ------
    TrainedFolderError
        If architecture or weights are unknown, missing or do not fit.
    """
    from safetensors import SafetensorError
    from safetensors.torch import load

    name: Any = trained.settings.get("architecture")
    if name not in architectures:
        raise TrainedFolderError(
            f"{trained.path} has the architecture {name!r}, which this Earmark does not know; "
            "update Earmark or train it again."
        )
    network = architectures[name](len(trained.manifest.labels))
    try:
        network.load_state_dict(load(trained.read_file(WEIGHTS_FILE)))
    except (SafetensorError, RuntimeError) as error:
        raise TrainedFolderError(
            f"The weights in {trained.path} do not fit its network ({error}); train it again."
        ) from error
    return network
