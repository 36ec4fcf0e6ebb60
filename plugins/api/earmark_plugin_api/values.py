"""The values that go in and come out of a classifier."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from earmark_plugin_api.errors import InvalidInputError
from earmark_plugin_api.manifest import Label


@dataclass(frozen=True, eq=False)
class AudioClip:
    """A decoded waveform.

    Attributes
    ----------
    samples : ndarray of float32, shape (n,)
        Mono; full scale is [-1, 1], but louder files exist. Never NaN or infinite.
    sample_rate : int
        In hertz.

    Raises
    ------
    InvalidInputError
        If `samples` is not a one-dimensional finite float32 array or the rate is not positive.
    """

    samples: npt.NDArray[np.float32]
    sample_rate: int

    def __post_init__(self) -> None:
        if self.samples.ndim != 1 or self.samples.dtype != np.float32:
            raise InvalidInputError(
                f"samples must be a mono float32 array, not {self.samples.dtype} "
                f"of shape {self.samples.shape}"
            )
        if self.sample_rate <= 0:
            raise InvalidInputError(f"sample_rate must be positive, not {self.sample_rate}")
        if not np.isfinite(self.samples).all():
            raise InvalidInputError("samples contain NaN or infinite values")

    @property
    def duration(self) -> float:
        """Length in seconds."""
        return len(self.samples) / self.sample_rate


@dataclass(frozen=True)
class Prediction:
    """What a classifier says about one label of a clip.

    Attributes
    ----------
    label : Label
        A class of the model's vocabulary.
    score : float
        In [0, 1]; calibrated if the manifest says so. People see it as "confidence".
    """

    label: Label
    score: float

    def __post_init__(self) -> None:
        if not 0.0 <= self.score <= 1.0:
            raise InvalidInputError(f"score must lie in [0, 1], not {self.score}")


def top_predictions(
    labels: Sequence[Label], scores: npt.NDArray[np.float32], limit: int = 10
) -> list[Prediction]:
    """Pair labels with scores, highest first; ties keep the order of `labels`.

    Parameters
    ----------
    labels : sequence of Label, length n
    scores : ndarray of float32, shape (n,)
        Clip scores in [0, 1].
    limit : int
        How many to return at most.

    Raises
    ------
    InvalidInputError
        If there is not exactly one score a label, or a score is not in [0, 1].
    """
    if scores.shape != (len(labels),):
        raise InvalidInputError(
            f"{len(labels)} labels need scores of shape ({len(labels)},), not {scores.shape}"
        )
    if not np.isfinite(scores).all():  # NaN sorts last: it would vanish instead of being noticed
        raise InvalidInputError("scores contain NaN or infinite values")
    order = np.argsort(-scores, kind="stable")[:limit]
    return [Prediction(labels[i], float(scores[i])) for i in order]
