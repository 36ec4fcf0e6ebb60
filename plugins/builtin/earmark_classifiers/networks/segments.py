"""Networks that score a segment of sound at once: one front end, a body, one linear head.

Whatever has this shape can be trained, frozen from the input on, and given another head by
`earmark_classifiers.training`.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Mapping, Sequence
from typing import TypeAlias

from torch import Tensor, nn

from earmark_classifiers.networks.logmel import LogMel, normalise_level
from earmark_classifiers.networks.logmel_spec import LogMelSpec

FRONT_END = LogMelSpec(16_000, fft=512, window=400, hop=160, bands=64, low=0.0, high=8_000.0)
"""What trained folders count on: never changed, or they would hear something else than they learnt.

A network that wants another one gets it under another architecture name.
"""


class SegmentNetwork(nn.Module):
    """Waveforms at 16 kHz to logits and embeddings.

    A subclass makes its layers and says them in `layers` and `embed`.

    Parameters
    ----------
    embedding_size : int
        Length of what `embed` returns.
    classes : int
        Length of the logits.
    dropout : float
        Share of the embedding that the head does not see in training.
    front_end : LogMel, optional
        Instead of one of `FRONT_END`.

    Attributes
    ----------
    head : nn.Linear
        From embedding to logits; the only part that knows how many classes there are.
    """

    def __init__(
        self, embedding_size: int, classes: int, dropout: float, front_end: LogMel | None = None
    ) -> None:
        super().__init__()
        self.front_end = LogMel(FRONT_END) if front_end is None else front_end
        self.embedding_size = embedding_size
        self.dropout = nn.Dropout(dropout)
        self.head = nn.Linear(embedding_size, classes)

    @abstractmethod
    def layers(self) -> Sequence[nn.Module]:
        """Return the parts with weights before the head, from the input on."""

    @abstractmethod
    def embed(self, logmels: Tensor) -> Tensor:
        """Map log-mels ``[batch, 1, bands, frames]`` to ``[batch, embedding_size]``."""

    def listen(self, samples: Tensor) -> Tensor:
        """Map waveforms ``[batch, samples]`` of any level to log-mels."""
        logmels: Tensor = self.front_end(normalise_level(samples))
        return logmels

    def classify(self, logmels: Tensor) -> tuple[Tensor, Tensor]:
        """Logits and embeddings of log-mels ``[batch, 1, bands, frames]``."""
        embedding = self.embed(logmels)
        return self.head(self.dropout(embedding)), embedding

    def forward(self, samples: Tensor) -> tuple[Tensor, Tensor]:
        """Score segments.

        Parameters
        ----------
        samples : Tensor
            ``[batch, samples]``, float32, 16 kHz, any level.

        Returns
        -------
        (Tensor, Tensor)
            Logits ``[batch, classes]`` and embeddings ``[batch, embedding_size]``.
        """
        return self.classify(self.listen(samples))


Architectures: TypeAlias = Mapping[str, Callable[[int], SegmentNetwork]]
"""Networks of a backend, by the name that the folder of a trained classifier holds; each is made
with the number of its classes."""
