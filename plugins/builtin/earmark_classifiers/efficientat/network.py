"""From waveforms to logits: EfficientAT's front end before its tagger, and its files.

Source: Schmid et al., "Efficient Large-Scale Audio Tagging via Transformer-to-CNN Knowledge
Distillation", arXiv 2211.04772.
"""

from __future__ import annotations

from pathlib import Path

import torch
from torch import Tensor, nn

from earmark_classifiers.networks.logmel import LogMel
from earmark_classifiers.networks.logmel_spec import EFFICIENTAT
from earmark_classifiers.networks.mobilenet import (
    MobileNetTagger,
    from_published,
    fuse_batch_norms,
)
from earmark_classifiers.networks.published import load_published


class EfficientAtNetwork(nn.Module):
    """Waveforms at 32 kHz to logits and embeddings.

    Parameters
    ----------
    width : float
        Channel multiplier of the tagger.
    """

    def __init__(self, width: float) -> None:
        super().__init__()
        self.front_end = LogMel(EFFICIENTAT)
        self.tagger = MobileNetTagger(width)

    def forward(self, samples: Tensor) -> tuple[Tensor, Tensor]:
        """Score waveforms.

        Parameters
        ----------
        samples : Tensor
            ``[batch, samples]``, float32 in [-1, 1], 32 kHz, of any length above 512 samples.

        Returns
        -------
        (Tensor, Tensor)
            Logits ``[batch, 527]`` and embeddings ``[batch, 960 x width]`` (384 at width 0.4).
        """
        return self.classify(self.front_end(samples))

    def classify(self, logmels: Tensor) -> tuple[Tensor, Tensor]:
        """Logits and embeddings of log-mels ``[batch, 1, bands, frames]``."""
        logits, embeddings = self.tagger(logmels.contiguous(memory_format=torch.channels_last))
        return logits, embeddings


def read_network(path: Path, width: float, classifier: str) -> EfficientAtNetwork:
    """Return the network of a published state dict, ready for inference on the CPU.

    Raises
    ------
    WeightsUnusableError
        See `load_published`.
    """
    network = EfficientAtNetwork(width)
    load_published(network.tagger, path, from_published, classifier)
    return fuse_batch_norms(network)
