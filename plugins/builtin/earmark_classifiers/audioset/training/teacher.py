"""The teacher, and what the student takes over from it before the first step."""

from __future__ import annotations

from copy import deepcopy
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor, nn

from earmark_classifiers.audioset.network import EMBEDDING_SIZE, AudioSetNetwork
from earmark_classifiers.efficientat.network import EfficientAtNetwork
from earmark_classifiers.networks.logmel_numpy import NumpyLogMel
from earmark_classifiers.networks.logmel_spec import EFFICIENTAT
from earmark_classifiers.networks.mobilenet import from_published, fuse_batch_norms
from earmark_classifiers.networks.onnx_graph import to_onnx
from earmark_classifiers.onnx_backend import INPUT, open_session

SHORTEST = 2 * EFFICIENTAT.sample_rate
"""Shorter sounds are repeated for the teacher to this many samples."""


class Teacher:
    """EfficientAT mn04 (AudioSet mAP 0.432, MIT licence), run by ONNX Runtime.

    Attributes
    ----------
    tagger : MobileNetTagger
        Its network in torch, for what the student takes over.
    """

    def __init__(self, weights: Path) -> None:
        network = EfficientAtNetwork(width=0.4)
        state = torch.load(weights, map_location="cpu", weights_only=True)
        network.tagger.load_state_dict(from_published(state))
        self.tagger = network.tagger.eval()
        self._session = open_session(to_onnx(fuse_batch_norms(deepcopy(network))))
        self._front_end = NumpyLogMel(EFFICIENTAT)

    def hear(self, window: Tensor, level: float, length: int) -> tuple[Tensor, Tensor]:
        """Score a sound as a file of its own: logits ``[527]`` and embedding ``[384]``.

        Parameters
        ----------
        window : Tensor
            ``[samples]`` at 32 kHz, a peak of 1, repeating itself after `length` samples.
        level : float
            The peak at which the teacher hears it; it was trained on levels as they are.
        length : int
            How much of the window it hears, 2 s at the least, in whole hops.
        """
        hops = max(length, SHORTEST) // EFFICIENTAT.hop
        heard = window[None, : hops * EFFICIENTAT.hop] * level
        logits, embeddings = self._session.run(None, {INPUT: self._front_end(heard.numpy())})
        # Copied: what the runtime returns lies in its own memory, and would hold it for good.
        return torch.tensor(logits[0]), torch.tensor(embeddings[0])


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
