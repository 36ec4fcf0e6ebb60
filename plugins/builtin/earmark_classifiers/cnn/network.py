"""The networks of the `cnn` backend: a small one of its own, and one with the body of `audioset`.

The small one is in the spirit of SB-CNN (Salamon and Bello, "Deep Convolutional Neural Networks
and Data Augmentation for Environmental Sound Classification", arXiv 1608.04363): few convolutions
over a log-mel segment and two linear layers. It differs in the batch norms, in having five
convolutions of 3 x 3 instead of three of 5 x 5, and in pooling over what is left of time and
frequency instead of unrolling it.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from earmark_classifiers.audioset.classifier import VERSION
from earmark_classifiers.audioset.network import AudioSetNetwork
from earmark_classifiers.networks.logmel import LogMel
from earmark_classifiers.networks.logmel_spec import low_part
from earmark_classifiers.networks.mobilenet import ConvNorm
from earmark_classifiers.networks.segments import Architectures, SegmentNetwork

EMBEDDING_SIZE = 128


class SmallCnn(SegmentNetwork):
    """Five convolutions, about 300,000 parameters."""

    def __init__(self, classes: int) -> None:
        super().__init__(EMBEDDING_SIZE, classes, dropout=0.4)
        self.features = nn.Sequential(
            ConvNorm(1, 24, 5, stride=2, activation=nn.ReLU),
            ConvNorm(24, 48, 3, stride=2, activation=nn.ReLU),
            ConvNorm(48, 64, 3, stride=2, activation=nn.ReLU),
            nn.Sequential(ConvNorm(64, 128, 3, activation=nn.ReLU), nn.MaxPool2d(2)),
            ConvNorm(128, 128, 3, activation=nn.ReLU),
        )
        self.dense = nn.Sequential(nn.Linear(2 * 128, EMBEDDING_SIZE), nn.ReLU())
        for part in self.features.modules():
            if isinstance(part, nn.BatchNorm2d):
                part.momentum = 0.1  # a small set makes few steps; at 0.01 averages lag behind

    def layers(self) -> Sequence[nn.Module]:
        """Return the five convolutions and the dense layer."""
        return [*self.features, self.dense]

    def embed(self, logmels: Tensor) -> Tensor:
        """Pool the maps by their mean over frequency and by mean and maximum over time."""
        # Frames of 20 ms: nothing is lost that these filters could use, and half of the work saved.
        maps = self.features(nn.functional.avg_pool2d(logmels, (1, 2))).mean(2)
        pooled: Tensor = self.dense(torch.cat((maps.mean(2), maps.amax(2)), dim=1))
        return pooled


class AudioSetBody(SegmentNetwork):
    """The `audioset` network up to its embedding, with a head of its own."""

    def __init__(self, classes: int, source: AudioSetNetwork | None = None) -> None:
        source = AudioSetNetwork() if source is None else source
        # `audioset` hears 32 kHz; at 16 kHz these are its bands up to 8 kHz.
        front_end = LogMel(low_part(source.front_end.spec, bands=104))
        super().__init__(source.embed.out_features, classes, 0.2, front_end)
        self.body = source.body
        self.embedding = source.embed
        self.attention = source.level_one

    def layers(self) -> Sequence[nn.Module]:
        """Return the blocks of the body, the embedding and the attention over time."""
        return [*self.body.features, self.embedding, self.attention]

    def embed(self, logmels: Tensor) -> Tensor:
        """Compute the embedding that `audioset` computes."""
        maps = self.body(logmels.contiguous(memory_format=torch.channels_last))
        segments = self.embedding(maps.mean(dim=2).transpose(1, 2))
        pooled: Tensor = self.attention(segments)
        return pooled


AUDIOSET_BODY = f"audioset-{VERSION}"
"""The next version of `audioset` may hear otherwise, so what was trained from this one says so."""

ARCHITECTURES: Architectures = {"small": SmallCnn, AUDIOSET_BODY: AudioSetBody}
