"""A classifier that is believed only as far as it keeps the contract.

A plugin is foreign code. What it returns is looked at before it gets near the database, and what
it raises by mistake fails the files at hand with its reason instead of ending the worker.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

import numpy as np
import numpy.typing as npt
import structlog

from earmark_plugin_api import (
    Classifier,
    ClassifierError,
    WindowScores,
    require_clip_scores,
    require_result,
)

Floats = npt.NDArray[np.float32]
_T = TypeVar("_T")

log = structlog.get_logger(__name__)


class ClassifierCrashedError(ClassifierError):
    """The classifier raised something it did not mean to raise."""

    code = "classifier_crashed"


class ClassifierUnusableError(ClassifierError):
    """The classifier could not be loaded; whoever asks it gets the reason.

    Retryable: the reason lies in this machine, not in what was asked.
    """

    retryable = True

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


class UnusableScorer:
    """Stands in for a classifier that could not be loaded."""

    def __init__(self, error: ClassifierUnusableError) -> None:
        self._error = error

    def predict(self, windows: Floats) -> WindowScores:
        """Raise why."""
        raise self._error

    def pool(self, scores: Floats) -> Floats:
        """Raise why."""
        raise self._error


class CheckedScorer:
    """`predict` and `pool` of a loaded classifier, checked.

    Parameters
    ----------
    classifier : Classifier
    """

    def __init__(self, classifier: Classifier) -> None:
        self._classifier = classifier

    def predict(self, windows: Floats) -> WindowScores:
        """Score a batch.

        Raises
        ------
        ClassifierError
            `InvalidOutputError` if the result breaks the contract, `ClassifierCrashedError` for
            anything the plugin did not raise on purpose, or what it did.
        """
        result = self._call(lambda: self._classifier.predict(windows))
        require_result(self._classifier.manifest, len(windows), result)
        return result

    def pool(self, scores: Floats) -> Floats:
        """Combine the window scores of one file; raises as `predict` does."""
        pooled = self._call(lambda: self._classifier.pool(scores))
        require_clip_scores(self._classifier.manifest, pooled)
        return pooled

    def _call(self, action: Callable[[], _T]) -> _T:
        try:
            return action()
        except ClassifierError:
            raise
        except Exception as error:
            name = self._classifier.manifest.name
            log.exception("classifier_crashed", classifier=name)
            raise ClassifierCrashedError(
                f"The classifier {name} broke down ({type(error).__name__}: {error}); this is a "
                "fault of the classifier. Tell its authors, or use another one."
            ) from error
