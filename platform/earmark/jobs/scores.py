"""How the scores of a clip are kept: which of them, and packed how. Pure functions."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeAlias

from earmark.jobs.errors import UnknownLabelError
from earmark_plugin_api import Label

PackedScore: TypeAlias = list[float | None]
"""``[position, score, start, end]``; see `earmark.jobs.models.PredictionSet`."""

KEPT_ALWAYS = 10
KEPT_AT_MOST = 64
KEPT_FROM = 0.02
_DIGITS = 5


@dataclass(frozen=True)
class LabelScore:
    """What a classifier says about one label of a clip, and where in it.

    Attributes
    ----------
    label_id : str
        Such as ``/m/0bt9lr``.
    score : float
        In [0, 1].
    start, end : float or None
        Seconds of the window that speaks most for the label.
    """

    label_id: str
    score: float
    start: float | None = None
    end: float | None = None


@dataclass(frozen=True)
class StoredScore:
    """A stored score with its label spelt out; fields as in `LabelScore`."""

    label: Label
    score: float
    start: float | None
    end: float | None


def pack_scores(scores: Iterable[LabelScore], positions: Mapping[str, int]) -> list[PackedScore]:
    """Choose the scores worth keeping and pack them, highest first.

    The ten highest are kept always; others from 0.02 on, which is far below any useful
    threshold; never more than 64.

    Parameters
    ----------
    scores : iterable of LabelScore
    positions : mapping
        Position of each label id in the classifier's vocabulary.

    Raises
    ------
    UnknownLabelError
        If a label is not in the vocabulary.
    """
    ranked = sorted(scores, key=lambda score: -score.score)[:KEPT_AT_MOST]
    packed: list[PackedScore] = []
    for rank, score in enumerate(ranked):
        if rank >= KEPT_ALWAYS and score.score < KEPT_FROM:
            break
        position = positions.get(score.label_id)
        if position is None:
            raise UnknownLabelError(f"The classifier has no label {score.label_id!r}.")
        packed.append([position, _rounded(score.score), _rounded(score.start), _rounded(score.end)])
    return packed


def unpack_scores(packed: Sequence[PackedScore], labels: Sequence[Label]) -> list[StoredScore]:
    """Spell out packed scores, highest first."""
    return [
        StoredScore(labels[int(position or 0)], float(score or 0.0), start, end)
        for position, score, start, end in packed
    ]


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(float(value), _DIGITS)
