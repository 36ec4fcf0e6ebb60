"""Checks of `pool`: how the window scores of one file become its clip scores."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from earmark_plugin_api.classifier import Classifier
from earmark_plugin_api.errors import InvalidInputError, InvalidOutputError
from earmark_plugin_api.testing.outcome import (
    SAME,
    CheckFailedError,
    Factory,
    loaded,
    require,
    require_error,
    require_same,
)
from earmark_plugin_api.validation import require_clip_scores

Scores = npt.NDArray[np.float32]


def _varied_scores(labels: int, windows: int = 12) -> Scores:
    """Window scores as a tagger gives them: most near 0, some near 1."""
    uniform = np.random.default_rng(5).uniform(size=(windows, labels))
    return (uniform**4).astype(np.float32)


def pool_valid(classifier: Classifier, scores: Scores, what: str) -> Scores:
    """Pool and fail unless the result is one finite score in [0, 1] a label.

    Returns
    -------
    ndarray of float32, shape (labels,)
    """
    try:
        pooled = classifier.pool(scores)
        require_clip_scores(classifier.manifest, pooled)
    except InvalidOutputError as error:
        raise CheckFailedError(
            f"For {what}: {error}",
            "pool() must return one finite float32 score in [0, 1] a label; division by zero and "
            "float64 are the usual culprits.",
        ) from error
    except Exception as error:
        raise CheckFailedError(
            f"For {what} pool raised {type(error).__name__}: {error}",
            "Any scores in [0, 1] with at least one row must be pooled.",
        ) from error
    return pooled


def check_pool_output(factory: Factory, device: str = "cpu") -> None:
    """Clip scores are finite float32 in [0, 1], also of all zeros and all ones; no side effect."""
    with loaded(factory, device) as classifier:
        labels = len(classifier.manifest.labels)
        varied = _varied_scores(labels)
        given = varied.copy()
        pool_valid(classifier, given, "varied scores")
        require(
            np.array_equal(given, varied),
            "pool changed the window scores it was given",
            "Work on a copy: the platform stores them for the timeline.",
        )
        pool_valid(classifier, np.zeros((3, labels), np.float32), "all scores 0")
        pool_valid(classifier, np.ones((3, labels), np.float32), "all scores 1")


def check_pool_single_window(factory: Factory, device: str = "cpu") -> None:
    """A file of one window has the scores of that window."""
    with loaded(factory, device) as classifier:
        scores = _varied_scores(len(classifier.manifest.labels), windows=1)
        pooled = pool_valid(classifier, scores, "one window")
    require_same(
        pooled,
        scores[0],
        "Clip scores of one window",
        "A mean, maximum or weighted mean over the windows has nothing to change there; "
        "calibrate in predict(), not in pool().",
    )


def check_pool_within_bounds(factory: Factory, device: str = "cpu") -> None:
    """A clip score lies between the lowest and the highest window score of its label."""
    with loaded(factory, device) as classifier:
        scores = _varied_scores(len(classifier.manifest.labels))
        pooled = pool_valid(classifier, scores, "varied scores")
    outside = (pooled < scores.min(axis=0) - SAME) | (pooled > scores.max(axis=0) + SAME)
    require(
        not outside.any(),
        f"{int(outside.sum())} of {len(outside)} clip scores lie outside the range of their "
        "window scores",
        "Sums and products over windows grow or shrink with the length of the file; use a mean, "
        "a maximum or a weighted mean.",
    )


def check_pool_permutation(factory: Factory, device: str = "cpu") -> None:
    """The order of the windows does not matter."""
    with loaded(factory, device) as classifier:
        scores = _varied_scores(len(classifier.manifest.labels))
        order = np.random.default_rng(6).permutation(len(scores))
        forward = pool_valid(classifier, scores, "varied scores")
        shuffled = pool_valid(classifier, np.ascontiguousarray(scores[order]), "shuffled scores")
    require_same(
        shuffled,
        forward,
        "Clip scores after the windows were shuffled",
        "Weigh windows by their scores, not by their place in the file.",
    )


def check_pool_label_order(factory: Factory, device: str = "cpu") -> None:
    """Column j of the window scores becomes clip score j.

    Every window gives label j the score (j + 1) / (labels + 1): nothing but the same numbers in
    the same order can come out.
    """
    with loaded(factory, device) as classifier:
        labels = len(classifier.manifest.labels)
        ladder = (np.arange(1, labels + 1) / (labels + 1)).astype(np.float32)
        pooled = pool_valid(classifier, np.tile(ladder, (4, 1)), "constant scores")
    require_same(
        pooled,
        ladder,
        "Clip scores of windows that all agree",
        "pool() must keep the columns in the manifest's order and combine each by itself.",
    )


def check_pool_of_no_windows(factory: Factory, device: str = "cpu") -> None:
    """No windows cannot be pooled: `InvalidInputError`, not zeros and not NaN."""
    with loaded(factory, device) as classifier:
        nothing = np.zeros((0, len(classifier.manifest.labels)), np.float32)
        require_error(
            InvalidInputError,
            lambda: classifier.pool(nothing),
            "pool of no windows",
            "Call earmark_plugin_api.require_window_scores(self.manifest, scores) first in pool(): "
            "a result is never made up.",
        )
