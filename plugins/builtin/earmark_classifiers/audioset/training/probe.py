"""How much an embedding knows of classes: a logistic regression over it, the network untouched."""

from __future__ import annotations

import warnings
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from earmark_classifiers.audioset.training.corpus import Corpus
from earmark_classifiers.audioset.training.judge import cut_clips

MIN_CLIPS = 20
"""Classes with fewer clips, training and validation together, take no part."""

CHUNK = 100
"""Clips decoded at once, for memory."""

Floats = npt.NDArray[np.float32]


@dataclass(frozen=True)
class ProbeFigures:
    """What the regression, fitted on the training split, makes of the validation split.

    Attributes
    ----------
    classes, fitted_on, judged_on : int
        Classes, and clips of both splits.
    accuracy : float
        Share of the clips whose class is found.
    macro_recall : float
        Mean over the classes with a clip in the validation split.
    """

    classes: int
    fitted_on: int
    judged_on: int
    accuracy: float
    macro_recall: float


def embed_clips(
    corpus: Corpus, clips: npt.NDArray[np.int64], embed: Callable[[Floats], Floats]
) -> Floats:
    """Describe clips as the platform does: the mean over their windows, of length 1.

    Parameters
    ----------
    clips : ndarray of int64, shape (n,)
    embed : callable
        From windows ``[m, samples]`` to embeddings ``[m, size]``.

    Returns
    -------
    ndarray of float32, shape (n, size)
    """

    def means() -> Iterator[npt.NDArray[Any]]:
        for at in range(0, len(clips), CHUNK):
            windows, owners = cut_clips(corpus, clips[at : at + CHUNK])
            starts = np.flatnonzero(np.diff(owners, prepend=-1))
            sums = np.add.reduceat(embed(windows), starts)
            yield sums / np.bincount(owners)[:, None].astype(np.float32)

    described: Floats = np.concatenate(list(means()))
    unit: Floats = described / np.linalg.norm(described, axis=1, keepdims=True)
    return unit


def frequent_classes(classes: Mapping[int, str]) -> dict[int, str]:
    """Keep the clips (keys) of classes (values) that have `MIN_CLIPS` or more."""
    counts = Counter(classes.values())
    return {clip: name for clip, name in classes.items() if counts[name] >= MIN_CLIPS}


def probe(
    embeddings: Floats, classes: npt.NDArray[np.str_], is_val: npt.NDArray[np.bool_]
) -> ProbeFigures:
    """Fit on the training split, judge on the validation split.

    Parameters
    ----------
    embeddings : ndarray of float32, shape (clips, size)
    classes : ndarray of str, shape (clips,)
    is_val : ndarray of bool, shape (clips,)
    """
    from sklearn.exceptions import ConvergenceWarning
    from sklearn.linear_model import LogisticRegression
    from sklearn.metrics import accuracy_score, recall_score
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    regression = make_pipeline(StandardScaler(), LogisticRegression(C=0.05, max_iter=300))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        regression.fit(embeddings[~is_val], classes[~is_val])
    truth, found = classes[is_val], regression.predict(embeddings[is_val])
    return ProbeFigures(
        classes=len(set(classes)),
        fitted_on=int((~is_val).sum()),
        judged_on=int(is_val.sum()),
        accuracy=float(accuracy_score(truth, found)),
        macro_recall=float(
            recall_score(truth, found, labels=np.unique(truth), average="macro", zero_division=0)
        ),
    )
