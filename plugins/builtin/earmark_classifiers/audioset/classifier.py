"""The backend class: what the platform sees of the network."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from earmark_classifiers.audioset.labels import read_labels
from earmark_classifiers.audioset.listening import make_front_end
from earmark_classifiers.calibration import Calibration
from earmark_classifiers.onnx_backend import OnnxEngine
from earmark_classifiers.torch_backend import TorchTagger
from earmark_plugin_api import Manifest, WeightsMissingError, Window

if TYPE_CHECKING:
    from earmark_classifiers.audioset.network import AudioSetNetwork
    from earmark_classifiers.tagger import Engine

__all__ = ["GRAPH", "VERSION", "WEIGHTS", "AudioSetClassifier", "manifest", "read_labels"]

VERSION = "1.1.0"

WEIGHTS = Path(__file__).parent / "weights" / f"audioset-{VERSION}.safetensors"
GRAPH = WEIGHTS.with_suffix(".onnx")

ROWS = 2
"""Windows computed at once by ONNX Runtime; more fall out of the caches."""

Floats = npt.NDArray[np.float32]


@cache
def manifest() -> Manifest:
    """Return the identity and needs of the classifier."""
    return Manifest(
        name="audioset",
        version=VERSION,
        labels=read_labels(),
        sample_rate=32_000,
        window=Window(seconds=5.0, hop_seconds=5.0),
        licence="Apache-2.0 AND MIT",
        description="527 AudioSet classes: multi-level attention over a small convolutional net.",
        devices=("cpu", "cuda"),
        embedding_size=256,
        memory_mb=300,
        calibrated=True,
    )


class AudioSetClassifier(TorchTagger):
    """527 AudioSet classes; see ``docs/models/audioset.md`` for data, figures and limits.

    On the CPU it is computed by ONNX Runtime, without torch, elsewhere by torch.
    """

    @property
    def manifest(self) -> Manifest:
        """Identity, labels and needs."""
        return manifest()

    def make_engine(self, device: str) -> Engine:
        """Return the bundled network on `device`.

        Raises
        ------
        DeviceUnavailableError
            If torch does not see the device.
        WeightsMissingError
            If the weights were left out of the installation.
        """
        if device != "cpu":
            return super().make_engine(device)
        _require(GRAPH)
        _require(WEIGHTS)  # which the graph reads its tensors from
        return OnnxEngine(GRAPH, make_front_end(), rows=ROWS)

    def make_network(self) -> AudioSetNetwork:
        """Return the bundled network in torch.

        Raises
        ------
        WeightsMissingError
            If the weights were left out of the installation.
        """
        from safetensors.torch import load_file

        from earmark_classifiers.audioset.network import AudioSetNetwork
        from earmark_classifiers.networks.mobilenet import fuse_batch_norms

        _require(WEIGHTS)
        network = AudioSetNetwork()
        network.load_state_dict(load_file(WEIGHTS))
        return fuse_batch_norms(network)

    def to_scores(self, logits: Floats) -> Floats:
        """Map logits to calibrated scores."""
        return _calibration()(logits)


@cache
def _calibration() -> Calibration:
    """Return what was fitted when the weights were written."""
    from safetensors import safe_open

    with safe_open(WEIGHTS, framework="numpy") as file:
        return Calibration(**json.loads(file.metadata()["calibration"]))


def _require(path: Path) -> None:
    if not path.exists():
        raise WeightsMissingError(f"{path.name} is missing; install Earmark again")
