"""Networks over log-mels as ONNX graphs; only who makes weights needs this."""

from __future__ import annotations

import json
import warnings
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Protocol

import torch
from torch import Tensor, nn

from earmark_classifiers.networks.logmel import LogMel
from earmark_classifiers.onnx_backend import INPUT, OUTPUTS

OPSET = 17

EXAMPLE_FRAMES = 96
"""The exporter watches the network compute an example; any length of at least 32 will do."""


class Classifying(Protocol):
    """What `to_onnx` takes: a module whose front end is a `LogMel`."""

    front_end: LogMel

    def classify(self, logmels: Tensor) -> tuple[Tensor, Tensor]:
        """Logits and embeddings of log-mels ``[batch, 1, bands, frames]``."""
        ...


class _Graph(nn.Module):
    def __init__(self, network: Classifying) -> None:
        super().__init__()
        self.network = network

    def forward(self, logmels: Tensor) -> tuple[Tensor, Tensor]:
        return self.network.classify(logmels)


def to_onnx(network: Classifying) -> bytes:
    """Write a network behind its front end as an ONNX file with its weights in it.

    Parameters
    ----------
    network : Classifying
        In evaluation mode.

    Returns
    -------
    bytes
        Input `INPUT`, log-mels ``[windows, 1, bands, frames]``; outputs `OUTPUTS`; all float32.
        Numbers of windows and frames are free.
    """
    free = {INPUT: {0: "windows", 3: "frames"}, **{name: {0: "windows"} for name in OUTPUTS}}
    example = torch.zeros(2, 1, network.front_end.spec.bands, EXAMPLE_FRAMES)
    with TemporaryDirectory() as folder, warnings.catch_warnings():
        path = Path(folder) / "graph.onnx"
        # The exporter that takes its place makes batches of one special and graphs larger.
        warnings.simplefilter("ignore")
        torch.onnx.export(
            _Graph(network).eval(),
            (example,),
            path,
            dynamo=False,
            # Weights stay as they are, under their names; the runtime folds what it can.
            training=torch.onnx.TrainingMode.PRESERVE,
            do_constant_folding=False,
            opset_version=OPSET,
            input_names=[INPUT],
            output_names=list(OUTPUTS),
            dynamic_axes=free,
        )
        return path.read_bytes()


def share_weights(model: bytes, weights: Path) -> bytes:
    """Let an ONNX file read its weights from a safetensors file that lies beside it.

    Parameters
    ----------
    model : bytes
        What `to_onnx` made of a network.
    weights : Path
        The state dict of that network; offsets into this very file are written down.

    Returns
    -------
    bytes
        The graph without the tensors the other file holds.
    """
    import onnx

    with weights.open("rb") as file:
        size = int.from_bytes(file.read(8), "little")
        tensors = json.loads(file.read(size))
    graph = onnx.load_from_string(model)
    for tensor in graph.graph.initializer:
        begin, end = tensors[tensor.name.removeprefix("network.")]["data_offsets"]
        place = {"location": weights.name, "offset": 8 + size + begin, "length": end - begin}
        tensor.ClearField("raw_data")
        tensor.data_location = onnx.TensorProto.EXTERNAL
        for key, value in place.items():
            tensor.external_data.add(key=key, value=str(value))
    shared: bytes = graph.SerializeToString()
    return shared
