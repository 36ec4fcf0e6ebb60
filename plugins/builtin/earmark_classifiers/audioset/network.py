"""The network of the `audioset` backend: log-mels to scores of 527 AudioSet classes.

A MobileNet body turns a window into a row of segment embeddings, 0.32 s apart; two levels of
attention pool them. Sources: Yu et al., "Multi-level Attention Model for Weakly Supervised Audio
Classification", arXiv 1803.02353 (attention on two successive levels of the embedding, joined
before the output layer), and Kong et al., "Weakly Labelled AudioSet Tagging with Attention Neural
Networks", arXiv 1903.00765 (attention over features instead of classes, which they found best).
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from earmark_classifiers.audioset.listening import FRONT_END
from earmark_classifiers.networks.logmel import LogMel, normalise_level
from earmark_classifiers.networks.mobilenet import MobileNetBody

EMBEDDING_SIZE = 256
HIDDEN_SIZE = 512
CLASSES = 527


class FeatureAttention(nn.Module):
    """Weighted mean over time, with one weight per feature and segment.

    The weights start equal, so an untrained module is the plain mean.
    """

    def __init__(self, features: int) -> None:
        super().__init__()
        self.query = nn.Linear(features, features)
        nn.init.zeros_(self.query.weight)
        nn.init.zeros_(self.query.bias)

    def forward(self, x: Tensor) -> Tensor:
        """Map ``[batch, segments, features]`` to ``[batch, features]``."""
        weights = torch.softmax(self.query(x), dim=1)
        return (weights * x).sum(dim=1)


class AudioSetNetwork(nn.Module):
    """Waveforms at 32 kHz to logits and embeddings.

    Parameters
    ----------
    width : float
        Channel multiplier of the MobileNet body.
    """

    def __init__(self, width: float = 0.4) -> None:
        super().__init__()
        self.front_end = LogMel(FRONT_END)
        self.body = MobileNetBody(width)
        self.embed = nn.Linear(self.body.channels, EMBEDDING_SIZE)
        self.level_one = FeatureAttention(EMBEDDING_SIZE)
        self.hidden = nn.Sequential(nn.Linear(EMBEDDING_SIZE, HIDDEN_SIZE), nn.Hardswish())
        self.level_two = FeatureAttention(EMBEDDING_SIZE)
        self.output = nn.Linear(EMBEDDING_SIZE + HIDDEN_SIZE, CLASSES)

    def forward(self, samples: Tensor) -> tuple[Tensor, Tensor]:
        """Score windows.

        Parameters
        ----------
        samples : Tensor
            ``[batch, samples]``, float32, 32 kHz, any level.

        Returns
        -------
        (Tensor, Tensor)
            Logits ``[batch, 527]`` and embeddings ``[batch, 256]``.
        """
        return self.classify(self.front_end(normalise_level(samples)))

    def classify(self, logmels: Tensor) -> tuple[Tensor, Tensor]:
        """Logits and embeddings of log-mels ``[batch, 1, bands, frames]``."""
        maps = self.body(logmels.contiguous(memory_format=torch.channels_last))
        segments = self.embed(maps.mean(dim=2).transpose(1, 2))
        embedding = self.level_one(segments)
        # Pooled before the hidden layer, as its teacher does: the other way round the layer would
        # have to be learnt anew.
        second = self.hidden(self.level_two(segments))
        return self.output(torch.cat((embedding, second), dim=1)), embedding
