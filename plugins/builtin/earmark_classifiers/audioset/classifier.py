"""The backend class: what the platform sees of the network."""

from __future__ import annotations

import json
from functools import cache
from importlib.resources import as_file, files
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from earmark_classifiers.audioset.labels import read_labels
from earmark_classifiers.torch_backend import TorchTagger
from earmark_plugin_api import Manifest, WeightsMissingError, Window

if TYPE_CHECKING:
    from earmark_classifiers.audioset.network import AudioSetNetwork

__all__ = ["VERSION", "AudioSetClassifier", "manifest", "read_labels"]

VERSION = "1.0.0"

Floats = npt.NDArray[np.float32]


@cache
def manifest() -> Manifest:
    """Return the identity and needs of the classifier."""
    return Manifest(
        name="audioset",
        version=VERSION,
        labels=read_labels(),
        sample_rate=16_000,
        window=Window(seconds=5.0, hop_seconds=5.0),
        licence="Apache-2.0 AND MIT",
        description="527 AudioSet classes: multi-level attention over a small convolutional net.",
        devices=("cpu", "cuda"),
        embedding_size=256,
        memory_mb=300,
        calibrated=True,
    )


class AudioSetClassifier(TorchTagger):
    """527 AudioSet classes; see ``docs/models/audioset.md`` for data, figures and limits."""

    rows_on_cpu = 8

    def __init__(self) -> None:
        super().__init__()
        self._calibration = (1.0, 0.0)

    @property
    def manifest(self) -> Manifest:
        """Identity, labels and needs."""
        return manifest()

    def make_network(self) -> AudioSetNetwork:
        """Return the network with the bundled weights, and remember their calibration.

        Raises
        ------
        WeightsMissingError
            If the weights were left out of the installation.
        """
        from safetensors import safe_open

        from earmark_classifiers.audioset.network import AudioSetNetwork
        from earmark_classifiers.networks.mobilenet import fuse_batch_norms

        network = AudioSetNetwork()
        resource = files(__package__) / "weights" / f"audioset-{VERSION}.safetensors"
        with as_file(resource) as path:
            if not path.exists():
                raise WeightsMissingError(f"{path.name} is missing; install Earmark again")
            with safe_open(path, framework="pt") as file:
                names = file.keys()
                network.load_state_dict({name: file.get_tensor(name) for name in names})
                calibration = json.loads(file.metadata()["calibration"])
        self._calibration = (calibration["scale"], calibration["offset"])
        return fuse_batch_norms(network)

    def to_scores(self, logits: Floats) -> Floats:
        """Map logits to calibrated scores."""
        scale, offset = self._calibration
        return super().to_scores(scale * logits + offset)
