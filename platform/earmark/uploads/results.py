"""The answer to an upload, as it is stored and shown. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

MOST_PREDICTIONS = 50
"""So many labels of each classifier are kept, those with the highest scores."""


@dataclass(frozen=True)
class LabelPrediction:
    """What a classifier says of one label.

    Attributes
    ----------
    label_id, label : str
    score : float
        In [0, 1].
    start, end : float
        The stretch that speaks most for it, in seconds from the beginning of the file.
    """

    label_id: str
    label: str
    score: float
    start: float
    end: float


@dataclass(frozen=True)
class ClassifierAnswer:
    """What one classifier, such as ``audioset@1.1.0``, says of the sound; best first."""

    classifier: str
    predictions: tuple[LabelPrediction, ...]


@dataclass(frozen=True)
class UploadResult:
    """What was found out about an upload.

    Attributes
    ----------
    duration : float or None
        Of the whole sound in seconds; None where only a part was decoded and the file does not
        say.
    sample_rate, channels : int
    container, codec : str
    classifiers : tuple of ClassifierAnswer
    """

    duration: float | None
    sample_rate: int
    channels: int
    container: str
    codec: str
    classifiers: tuple[ClassifierAnswer, ...]

    def to_json(self) -> dict[str, Any]:
        """Return it as values for JSON."""
        return asdict(self)


def list_best(
    labels: Sequence[tuple[str, str]],
    scores: Sequence[float],
    starts: Sequence[float],
    ends: Sequence[float],
    *,
    offset: float,
) -> tuple[LabelPrediction, ...]:
    """Return the labels with the highest scores, best first; equal ones in their own order.

    Parameters
    ----------
    labels : sequence of (str, str)
        Ids and names, in the order of the other sequences.
    scores, starts, ends : sequence of float
        As the classifier gave them; `starts` and `ends` count from the part that was heard.
    offset : float
        Where that part begins, in seconds.
    """
    order = sorted(range(len(labels)), key=lambda position: -scores[position])
    return tuple(
        LabelPrediction(
            *labels[one],
            score=round(float(scores[one]), 6),
            start=round(float(starts[one]) + offset, 3),
            end=round(float(ends[one]) + offset, 3),
        )
        for one in order[:MOST_PREDICTIONS]
    )
