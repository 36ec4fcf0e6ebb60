"""Checks both sides of `Classifier.predict` and `Classifier.pool` can call.

A backend calls `require_windows` and `require_window_scores` on what comes in; the platform calls
`require_result` and `require_clip_scores` on what comes out, because a plugin is foreign code and
NaN in a database is worse than a failed job.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from earmark_plugin_api.classifier import WindowScores
from earmark_plugin_api.errors import ClassifierError, InvalidInputError, InvalidOutputError
from earmark_plugin_api.manifest import Manifest

Array = npt.NDArray[Any]


def require_windows(manifest: Manifest, windows: Array) -> None:
    """Refuse windows that `manifest` does not describe.

    Parameters
    ----------
    manifest : Manifest
    windows : ndarray
        Must be float32 of shape (n, ``manifest.window_samples``), n >= 0, and finite.

    Raises
    ------
    InvalidInputError
        With a sentence that names what was expected and what came.
    """
    if windows.ndim != 2 or windows.shape[1] != manifest.window_samples:
        raise InvalidInputError(
            f"windows must have shape (n, {manifest.window_samples}), not {windows.shape}"
        )
    _require_finite_float32("windows", windows, InvalidInputError)


def require_window_scores(manifest: Manifest, scores: Array) -> None:
    """Refuse what `pool` cannot combine: anything but (windows >= 1, labels) in [0, 1].

    Raises
    ------
    InvalidInputError
    """
    columns = len(manifest.labels)
    if scores.ndim != 2 or scores.shape[1] != columns or not len(scores):
        raise InvalidInputError(
            f"pool needs scores of shape (at least 1, {columns}), not {scores.shape}"
        )
    _require_unit_range("window scores", scores, InvalidInputError)


def require_result(manifest: Manifest, rows: int, result: WindowScores) -> None:
    """Refuse what `predict` returned for `rows` windows unless it is what `manifest` promises.

    Raises
    ------
    InvalidOutputError
        If a shape or type is wrong or a score is outside [0, 1] or not finite.
    """
    expected = (rows, len(manifest.labels))
    if result.scores.shape != expected:
        raise InvalidOutputError(f"scores have shape {result.scores.shape}, not {expected}")
    _require_unit_range("scores", result.scores, InvalidOutputError)
    if manifest.embedding_size == 0:
        if result.embeddings is not None:
            raise InvalidOutputError("embeddings came, but the manifest says embedding_size=0")
        return
    if result.embeddings is None:
        raise InvalidOutputError(
            f"no embeddings came, but the manifest says embedding_size={manifest.embedding_size}"
        )
    expected = (rows, manifest.embedding_size)
    if result.embeddings.shape != expected:
        raise InvalidOutputError(f"embeddings have shape {result.embeddings.shape}, not {expected}")
    _require_finite_float32("embeddings", result.embeddings, InvalidOutputError)


def require_clip_scores(manifest: Manifest, scores: Array) -> None:
    """Refuse what `pool` returned unless it is one score in [0, 1] a label.

    Raises
    ------
    InvalidOutputError
    """
    expected = (len(manifest.labels),)
    if scores.shape != expected:
        raise InvalidOutputError(f"clip scores have shape {scores.shape}, not {expected}")
    _require_unit_range("clip scores", scores, InvalidOutputError)


def _require_finite_float32(what: str, values: Array, error: type[ClassifierError]) -> None:
    if values.dtype != np.float32:
        raise error(f"{what} must be float32, not {values.dtype}")
    if not np.isfinite(values).all():
        raise error(f"{what} contain NaN or infinite values")


def _require_unit_range(what: str, values: Array, error: type[ClassifierError]) -> None:
    _require_finite_float32(what, values, error)
    if values.size and not 0.0 <= values.min() <= values.max() <= 1.0:
        raise error(f"{what} must lie in [0, 1], not in [{values.min():.4g}, {values.max():.4g}]")
