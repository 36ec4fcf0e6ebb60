"""Checks of what `predict` returns."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from earmark_plugin_api.classifier import Classifier
from earmark_plugin_api.errors import InvalidInputError, InvalidOutputError
from earmark_plugin_api.testing.outcome import (
    CheckFailedError,
    Factory,
    loaded,
    require,
    require_error,
    require_same,
)
from earmark_plugin_api.testing.signals import Samples, probe_windows
from earmark_plugin_api.validation import require_result

EXACT = 1e-6
"""The same call twice: no other batch, no other order, so hardly any room for rounding."""


def predict_valid(classifier: Classifier, windows: Samples, what: str) -> npt.NDArray[np.float32]:
    """Predict and fail unless the result is what the manifest promises.

    Returns
    -------
    ndarray of float32, shape (windows, labels)
    """
    try:
        result = classifier.predict(windows)
        require_result(classifier.manifest, len(windows), result)
    except InvalidOutputError as error:
        raise CheckFailedError(
            f"For {what}: {error}",
            "predict() must return finite float32 scores in [0, 1], one row a window and one "
            "column a label: end with a sigmoid or softmax, not with logits.",
        ) from error
    except Exception as error:
        raise CheckFailedError(
            f"For {what} predict raised {type(error).__name__}: {error}",
            "Any finite float32 window of the manifest's length must get scores.",
        ) from error
    return result.scores


def check_score_range(factory: Factory, device: str = "cpu") -> None:
    """Scores are finite float32 in [0, 1], one row a window."""
    with loaded(factory, device) as classifier:
        windows = probe_windows(classifier.manifest)
        predict_valid(classifier, windows, "six probe sounds")
        predict_valid(classifier, windows[:1], "a single window")


def check_label_columns(factory: Factory, device: str = "cpu") -> None:
    """There are as many score columns as labels in the manifest."""
    with loaded(factory, device) as classifier:
        columns = classifier.predict(probe_windows(classifier.manifest)).scores.shape[-1]
        labels = len(classifier.manifest.labels)
    require(
        columns == labels,
        f"The manifest names {labels} labels, predict returns {columns} columns",
        "Label j of the manifest must be column j of the scores.",
    )


def check_determinism(factory: Factory, device: str = "cpu") -> None:
    """The same windows get the same scores, from two calls and from two instances."""
    remedy = (
        "Switch the network to evaluation mode (no dropout), seed or remove anything random, and "
        "read the same weights in every load()."
    )
    with loaded(factory, device) as first, loaded(factory, device) as second:
        windows = probe_windows(first.manifest)
        expected = first.predict(windows).scores.copy()
        again = first.predict(windows).scores
        require_same(again, expected, "Scores of two calls", remedy, within=EXACT)
        other = second.predict(windows).scores
        require_same(other, expected, "Scores of two instances", remedy, within=EXACT)


def check_batch_invariance(factory: Factory, device: str = "cpu") -> None:
    """A window gets the same scores alone, in a batch, and in any place of the batch.

    Tolerance 1e-4: the platform fills batches with windows of many files, so anything more
    would let one file change the tags of another.
    """
    remedy = (
        "Nothing may be computed across the batch axis: batch norm in training mode, normalising "
        "by the batch's peak and padding to the longest are the usual culprits. Where the "
        "difference is tiny, something enlarges rounding errors, such as a logarithm without a "
        "floor."
    )
    with loaded(factory, device) as classifier:
        windows = probe_windows(classifier.manifest)
        batch = classifier.predict(windows)
        alone = [classifier.predict(windows[i : i + 1]) for i in range(len(windows))]
        order = np.random.default_rng(0).permutation(len(windows))
        permuted = classifier.predict(np.ascontiguousarray(windows[order]))
    one_by_one = np.concatenate([result.scores for result in alone])
    require_same(one_by_one, batch.scores, "Scores alone and in a batch", remedy)
    require_same(permuted.scores, batch.scores[order], "Scores in a permuted batch", remedy)
    if batch.embeddings is not None and all(one.embeddings is not None for one in alone):
        one_by_one = np.concatenate([one.embeddings for one in alone if one.embeddings is not None])
        require_same(
            one_by_one, batch.embeddings, "Embeddings alone and in a batch", remedy, within=1e-3
        )


def check_invalid_input(factory: Factory, device: str = "cpu") -> None:
    """Wrong shapes, types and NaN raise `InvalidInputError`, and the instance works on."""
    remedy = "Call earmark_plugin_api.require_windows(self.manifest, windows) first in predict()."
    with loaded(factory, device) as classifier:
        good = probe_windows(classifier.manifest)
        expected = classifier.predict(good).scores.copy()
        for what, windows in _bad_inputs(good).items():
            require_error(
                InvalidInputError,
                lambda windows=windows: classifier.predict(windows),  # type: ignore[misc]
                f"predict of {what}",
                remedy,
            )
        scores = classifier.predict(good).scores
    require_same(
        scores, expected, "Scores after refused input", "A refused call must leave no trace."
    )


def _bad_inputs(good: Samples) -> dict[str, npt.NDArray[Any]]:
    spoiled = {}
    for name, value in (("NaN", np.nan), ("an infinite value", np.inf)):
        spoiled[f"windows with {name}"] = good.copy()
        spoiled[f"windows with {name}"][-1, -1] = value
    return {
        "one window without a batch axis": good[0],
        "three axes": good[:, None, :],
        "windows one sample short": np.ascontiguousarray(good[:, :-1]),
        "windows one sample long": np.pad(good, ((0, 0), (0, 1))),
        "float64": good.astype(np.float64),
        "16-bit integers": (good * 32_767).astype(np.int16),
        **spoiled,
    }


def check_input_not_modified(factory: Factory, device: str = "cpu") -> None:
    """`predict` leaves its input as it was, and takes input that cannot be written to."""
    with loaded(factory, device) as classifier:
        windows = probe_windows(classifier.manifest)
        given = windows.copy()
        classifier.predict(given)
        require(
            np.array_equal(given, windows),
            "predict changed the windows it was given",
            "Work on a copy: the platform may show the same windows to another classifier.",
        )
        given.flags.writeable = False
        predict_valid(classifier, given, "a read-only array")


def check_results_are_independent(factory: Factory, device: str = "cpu") -> None:
    """A result stays as it is while the next batch is predicted."""
    with loaded(factory, device) as classifier:
        windows = probe_windows(classifier.manifest)
        first = classifier.predict(windows)
        returned = [first.scores] if first.embeddings is None else [first.scores, first.embeddings]
        kept = [array.copy() for array in returned]
        classifier.predict(np.ascontiguousarray(windows[::-1]))
        for was, now in zip(kept, returned, strict=True):
            require(
                np.array_equal(was, now, equal_nan=True),
                "The next predict changed a result returned before",
                "Return new arrays; do not hand out a buffer that is used again.",
            )


def check_embeddings(factory: Factory, device: str = "cpu") -> None:
    """Embeddings are finite float32 of the length the manifest states, or None where it is 0."""
    with loaded(factory, device) as classifier:
        windows = probe_windows(classifier.manifest)
        size = classifier.manifest.embedding_size
        embeddings = classifier.predict(windows).embeddings
    if size == 0 or embeddings is None:
        require(
            size == 0 and embeddings is None,
            f"The manifest says embedding_size={size}, predict returned "
            f"{'no embeddings' if embeddings is None else f'shape {embeddings.shape}'}",
            "State the length in the manifest and return embeddings, or state 0 and return None.",
        )
        return
    require(
        embeddings.shape == (len(windows), size)
        and embeddings.dtype == np.float32
        and np.isfinite(embeddings).all(),
        f"Embeddings are {embeddings.dtype} of shape {embeddings.shape}",
        f"They must be finite float32 of shape (windows, {size}).",
    )
