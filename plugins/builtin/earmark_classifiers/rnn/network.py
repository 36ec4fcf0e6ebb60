"""The network of the `rnn` backend: frames of MFCC and log-mels through a GRU, then attention.

Attention over time after Yang et al., "Hierarchical Attention Networks for Document
Classification" (NAACL 2016): one weight a step, from a small layer of its own.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from torch import Tensor, nn

from earmark_classifiers.networks.segments import FRONT_END, Architectures, SegmentNetwork

COEFFICIENTS = 20
STACKED = 5
"""Frames of 10 ms joined to one step: a fifth of the steps costs a fifth of the time."""
HIDDEN = 96


def cosine_transform(coefficients: int, bands: int) -> Tensor:
    """Return the orthonormal DCT-II that makes MFCCs of log-mels, ``[coefficients, bands]``."""
    k = torch.arange(coefficients, dtype=torch.float64)[:, None]
    n = torch.arange(bands, dtype=torch.float64)[None, :]
    matrix = torch.cos(math.pi / bands * (n + 0.5) * k) * math.sqrt(2 / bands)
    matrix[0] /= math.sqrt(2)
    return matrix.float()


class AttentionOverTime(nn.Module):
    """Weighted mean over steps, one weight a step."""

    def __init__(self, features: int) -> None:
        super().__init__()
        self.query = nn.Sequential(nn.Linear(features, 64), nn.Tanh(), nn.Linear(64, 1))

    def forward(self, x: Tensor) -> Tensor:
        """Map ``[batch, steps, features]`` to ``[batch, features]``."""
        weights = torch.softmax(self.query(x), dim=1)
        return (weights * x).sum(dim=1)


class GruNetwork(SegmentNetwork):
    """A two-layer GRU in both directions, about 320,000 parameters."""

    cosines: Tensor

    def __init__(self, classes: int) -> None:
        super().__init__(2 * HIDDEN, classes, dropout=0.4)
        self.register_buffer(
            "cosines", cosine_transform(COEFFICIENTS, FRONT_END.bands), persistent=False
        )
        features = STACKED * (COEFFICIENTS + FRONT_END.bands)
        self.enter = nn.Sequential(nn.Linear(features, HIDDEN), nn.LayerNorm(HIDDEN), nn.ReLU())
        self.recurrent = nn.GRU(HIDDEN, HIDDEN, 2, batch_first=True, bidirectional=True)
        self.attention = AttentionOverTime(2 * HIDDEN)

    def layers(self) -> Sequence[nn.Module]:
        """Return the input layer, the GRU and the attention."""
        return [self.enter, self.recurrent, self.attention]

    def embed(self, logmels: Tensor) -> Tensor:
        """Run the GRU over groups of frames and pool its states."""
        bands = logmels.squeeze(1)
        frames = torch.cat((bands, torch.matmul(self.cosines, bands)), dim=1).transpose(1, 2)
        steps = frames.shape[1] // STACKED
        grouped = frames[:, : steps * STACKED].reshape(len(frames), steps, -1)
        states, _ = self.recurrent(self.enter(grouped))
        pooled: Tensor = self.attention(states)
        return pooled


ARCHITECTURES: Architectures = {"gru": GruNetwork}
