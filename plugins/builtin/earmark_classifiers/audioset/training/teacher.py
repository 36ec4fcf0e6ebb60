"""The teacher, and what the student takes over from it before the first step."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor, nn

from earmark_classifiers.audioset.network import EMBEDDING_SIZE, AudioSetNetwork
from earmark_classifiers.networks.logmel import EFFICIENTAT, LogMel
from earmark_classifiers.networks.mobilenet import MobileNetTagger, from_published

CHUNK = 8
"""Rows at a time: their feature maps fit the processor's cache, twice as fast as 64."""


class Teacher(nn.Module):
    """EfficientAT mn04 (AudioSet mAP 0.432, MIT licence) over waveforms at 32 kHz."""

    def __init__(self, weights: Path) -> None:
        super().__init__()
        self.front_end = LogMel(EFFICIENTAT)
        self.tagger = MobileNetTagger(width=0.4)
        state = torch.load(weights, map_location="cpu", weights_only=True)
        self.tagger.load_state_dict(from_published(state))
        self.eval()

    @torch.inference_mode()
    def forward(self, samples: Tensor) -> tuple[Tensor, Tensor]:
        """Map ``[batch, samples]`` to logits ``[batch, 527]`` and embeddings ``[batch, 384]``."""
        logits, embeddings = [], []
        for part in torch.split(samples, CHUNK):
            logmels = self.front_end(part).contiguous(memory_format=torch.channels_last)
            scored = self.tagger(logmels)
            logits.append(scored[0])
            embeddings.append(scored[1])
        return torch.cat(logits), torch.cat(embeddings)


@dataclass(frozen=True, eq=False)
class Projection:
    """The student's embedding space: the teacher's, turned and cut to its main axes.

    Attributes
    ----------
    axes : Tensor
        ``[384, 256]``, orthonormal columns.
    mean : Tensor
        ``[384]``.
    """

    axes: Tensor
    mean: Tensor

    def __call__(self, embeddings: Tensor) -> Tensor:
        """Map the teacher's embeddings ``[batch, 384]`` to ``[batch, 256]``."""
        return (embeddings - self.mean) @ self.axes


def fit_projection(embeddings: Tensor) -> Projection:
    """Find the 256 main axes of the teacher's embeddings ``[clips, 384]``."""
    mean = embeddings.mean(dim=0)
    _, _, axes = torch.linalg.svd(embeddings - mean, full_matrices=False)
    return Projection(axes[:EMBEDDING_SIZE].T.contiguous(), mean)


@torch.no_grad()
def inherit(student: AudioSetNetwork, teacher: Teacher, projection: Projection) -> None:
    """Start the student where the teacher stands.

    The body has the teacher's shape and takes its filters; they have to adapt to half as many
    bands. Embedding, hidden layer and output are the teacher's head seen through `projection`,
    with all the knowledge of classes the corpus never holds; attention starts as the plain mean.
    """
    student.body.features.load_state_dict(teacher.tagger.features.state_dict())
    student.embed.weight.copy_(projection.axes.T)
    student.embed.bias.copy_(-projection.mean @ projection.axes)
    first, last = teacher.tagger.classifier[0], teacher.tagger.classifier[2]
    assert isinstance(first, nn.Linear) and isinstance(last, nn.Linear)
    hidden = student.hidden[0]
    assert isinstance(hidden, nn.Linear)
    hidden.weight.copy_(first.weight @ projection.axes)
    hidden.bias.copy_(first.weight @ projection.mean + first.bias)
    student.output.weight.zero_()
    student.output.weight[:, EMBEDDING_SIZE:] = last.weight
    student.output.bias.copy_(last.bias)
