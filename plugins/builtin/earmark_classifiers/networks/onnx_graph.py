"""Networks over waveforms as ONNX graphs, front end and all; only who makes weights needs this."""

from __future__ import annotations

import json
import math
import warnings
from pathlib import Path
from tempfile import TemporaryDirectory

import torch
from torch import Tensor, nn

from earmark_classifiers.networks.logmel import LogMel
from earmark_classifiers.onnx_backend import INPUT, OUTPUTS

OPSET = 17


class FoldedLogMel(nn.Module):
    """`LogMel` as matrix products, which ONNX Runtime computes faster than its Fourier transform.

    A frame is folded about its middle, where cosines are even and sines odd, so that half the
    products do; columns that no triangle covers are left out. The power does not depend on where
    a frame's phase is counted from.
    """

    cosines: Tensor
    sines: Tensor
    filters: Tensor

    def __init__(self, front_end: LogMel) -> None:
        super().__init__()
        spec = front_end.spec
        self.spec = spec
        half = spec.window // 2
        covered = int(front_end.filters.any(dim=0).nonzero().max()) + 1
        place = torch.arange(half, dtype=torch.float64)[:, None] + 0.5
        angle = 2 * math.pi / spec.fft * place * torch.arange(covered, dtype=torch.float64)
        weight = front_end.window[half:, None].double()
        self.register_buffer("cosines", (angle.cos() * weight).float(), persistent=False)
        self.register_buffer("sines", (angle.sin() * weight).float(), persistent=False)
        filters = front_end.filters[:, :covered].contiguous()
        self.register_buffer("filters", filters, persistent=False)

    def forward(self, samples: Tensor) -> Tensor:
        """Map ``[batch, samples]``, a whole number of hops, to ``[batch, 1, bands, frames]``."""
        spec = self.spec
        half = spec.window // 2
        emphasised = samples[:, 1:] - spec.preemphasis * samples[:, :-1]
        padded = nn.functional.pad(emphasised, (half, half), mode="reflect")
        frames = self._frames(padded)
        left, right = torch.flip(frames[..., :half], (2,)), frames[..., half:]
        real = torch.matmul(right + left, self.cosines)
        imaginary = torch.matmul(right - left, self.sines)
        power = real * real + imaginary * imaginary
        mel = torch.matmul(self.filters, power.transpose(1, 2))
        return ((torch.log(mel + spec.floor) + 4.5) / 5.0).unsqueeze(1)

    def _frames(self, padded: Tensor) -> Tensor:
        """Lay blocks of one hop side by side: ``[batch, frames, window]``."""
        spec = self.spec
        parts = math.ceil(spec.window / spec.hop)
        surplus = spec.window - 1 - (parts - 1) * spec.hop
        blocks = padded[:, :-surplus].reshape(padded.shape[0], -1, spec.hop)
        last = spec.window - (parts - 1) * spec.hop
        columns = [blocks[:, i : i + 1 - parts] for i in range(parts - 1)]
        return torch.cat((*columns, blocks[:, parts - 1 :, :last]), dim=2)


class _Graph(nn.Module):
    def __init__(self, network: nn.Module, front_end: FoldedLogMel) -> None:
        super().__init__()
        self.network = network
        self.network.front_end = front_end

    def forward(self, samples: Tensor) -> tuple[Tensor, Tensor]:
        scored: tuple[Tensor, Tensor] = self.network(samples)
        return scored


def to_onnx(network: nn.Module, samples: int) -> bytes:
    """Write a network as an ONNX file with its weights in it.

    Parameters
    ----------
    network : Module
        In evaluation mode, with a `LogMel` as ``front_end``; left as it was. Maps
        ``[batch, samples]`` to logits and embeddings.
    samples : int
        Length of an example, a whole number of hops. Batches and lengths are free in the file.

    Returns
    -------
    bytes
        Input `INPUT`, outputs `OUTPUTS`, all float32.
    """
    front_end = network.front_end
    assert isinstance(front_end, LogMel)
    free = {INPUT: {0: "windows", 1: "samples"}, **{name: {0: "windows"} for name in OUTPUTS}}
    try:
        with TemporaryDirectory() as folder, warnings.catch_warnings():
            path = Path(folder) / "graph.onnx"
            # The exporter that takes its place makes batches of one special and graphs larger.
            warnings.simplefilter("ignore")
            torch.onnx.export(
                _Graph(network, FoldedLogMel(front_end)).eval(),
                (torch.zeros(2, samples),),
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
    finally:
        network.front_end = front_end


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
