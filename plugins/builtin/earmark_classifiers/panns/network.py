"""From waveforms to logits: the front end of PANNs before their CNN14, and its file.

Source: Kong et al., "PANNs: Large-Scale Pretrained Audio Neural Networks for Audio Pattern
Recognition", arXiv 1912.10211.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from earmark_classifiers.networks.mobilenet import ConvNorm, fuse_batch_norms
from earmark_classifiers.networks.published import load_published

FFT = 1024
HOP = 320
BANDS = 64
FLOOR = 1e-10
"""Power below this is -100 dB."""

CLASSES = 527
BATCH_NORM_EPS = 1e-5

LAYERS = ("conv", "bn")
PARTS = {"bn0": "norm", "fc1": "embed", "fc_audioset": "output"}
"""Published names of what `Cnn14` calls otherwise; layers in their order in a `ConvNorm`."""


class Decibels(nn.Module):
    """Waveforms to mel spectrograms in decibels.

    The filters (Slaney's, 50 Hz to 14 kHz) are in the published file and are taken from there.
    """

    filters: Tensor
    window: Tensor

    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("filters", torch.zeros(FFT // 2 + 1, BANDS))
        self.register_buffer("window", torch.hann_window(FFT), persistent=False)

    def forward(self, samples: Tensor) -> Tensor:
        """Map ``[batch, samples]`` to ``[batch, 1, frames, bands]``; frames are centred."""
        with torch.autocast(samples.device.type, enabled=False):  # half precision overflows here
            spectrum = torch.stft(
                samples.float(),
                FFT,
                hop_length=HOP,
                window=self.window,
                center=True,
                pad_mode="reflect",
                return_complex=True,
            )
            power = spectrum.real.square() + spectrum.imag.square()
            mel = power.transpose(1, 2) @ self.filters
            return (10 * torch.log10(mel.clamp(min=FLOOR))).unsqueeze(1)


class Cnn14(nn.Module):
    """Waveforms at 32 kHz to logits and embeddings.

    Parameters
    ----------
    channels : sequence of int
        Of the blocks, two convolutions of 3 x 3 each.
    """

    def __init__(self, channels: Sequence[int]) -> None:
        super().__init__()
        self.front_end = Decibels()
        self.norm = nn.BatchNorm1d(BANDS, BATCH_NORM_EPS)
        self.blocks = nn.ModuleList(
            nn.Sequential(_convolution(inputs, outputs), _convolution(outputs, outputs))
            for inputs, outputs in pairwise((1, *channels))
        )
        self.embed = nn.Linear(channels[-1], channels[-1])
        self.output = nn.Linear(channels[-1], CLASSES)

    def forward(self, samples: Tensor) -> tuple[Tensor, Tensor]:
        """Score waveforms.

        Parameters
        ----------
        samples : Tensor
            ``[batch, samples]``, float32 in [-1, 1], 32 kHz, of 9,920 samples at the least.

        Returns
        -------
        (Tensor, Tensor)
            Logits ``[batch, 527]`` and embeddings ``[batch, channels[-1]]``.
        """
        decibels = self.front_end(samples)
        x = self.norm(decibels.squeeze(1).transpose(1, 2)).transpose(1, 2).unsqueeze(1)
        for number, block in enumerate(self.blocks, start=1):
            x = block(x)
            if number < len(self.blocks):  # the last block keeps its resolution
                x = nn.functional.avg_pool2d(x, 2)
        over_time = x.mean(dim=3)
        pooled = over_time.amax(dim=2) + over_time.mean(dim=2)
        embedding = torch.relu(self.embed(pooled))
        return self.output(embedding), embedding


def _convolution(inputs: int, outputs: int) -> ConvNorm:
    return ConvNorm(inputs, outputs, kernel=3, activation=nn.ReLU, eps=BATCH_NORM_EPS)


def read_network(path: Path, channels: Sequence[int], classifier: str) -> Cnn14:
    """Return the network of a published file, ready for inference on the CPU.

    Raises
    ------
    WeightsUnusableError
        See `load_published`.
    """
    network = Cnn14(channels)
    load_published(network, path, from_published, classifier)
    return fuse_batch_norms(network)


def from_published(checkpoint: Mapping[str, Any]) -> dict[str, Tensor]:
    """Return the tensors of a published checkpoint under the names of `Cnn14`.

    Its Fourier transform, stored as filters of a convolution, is left out: it is computed here.
    """
    state = {}
    for key, value in checkpoint["model"].items():
        if not key.startswith("spectrogram_extractor."):
            state[_our_name(key)] = value
    return state


def _our_name(key: str) -> str:
    """Say what a tensor is called here: ``conv_block2.bn1.bias`` is ``blocks.1.0.1.bias``."""
    part, _, rest = key.partition(".")
    if part.startswith("conv_block"):
        layer, _, name = rest.partition(".")
        block, place = int(part.removeprefix("conv_block")) - 1, int(layer[-1]) - 1
        return f"blocks.{block}.{place}.{LAYERS.index(layer[:-1])}.{name}"
    if key == "logmel_extractor.melW":
        return "front_end.filters"
    return f"{PARTS[part]}.{rest}"
