"""The classifiers of a worker process: made, loaded, and what becomes of those that cannot be."""

from __future__ import annotations

import gc
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager

import structlog

from earmark.classifiers.registry import make_classifier
from earmark_plugin_api import Classifier, ClassifierError, Manifest
from earmark_workers.engine.batching import Batcher, Scorer
from earmark_workers.engine.checked import (
    CheckedScorer,
    ClassifierCrashedError,
    ClassifierUnusableError,
    UnusableScorer,
)
from earmark_workers.engine.messages import Hosted
from earmark_workers.engine.watched import UNHURRIED, WatchedScorer, limited

log = structlog.get_logger(__name__)


class Host:
    """Classifiers by their identity.

    A classifier that cannot be made or loaded is left out; the others are not concerned.

    Parameters
    ----------
    hosted : sequence of Hosted
    refuse : callable
        Gets the identity of each classifier that is left out, and why.
    batch_timeout_s : float
        How long one may be at a small batch; see `engine.watched`.
    """

    def __init__(
        self,
        hosted: Sequence[Hosted],
        refuse: Callable[[str, ClassifierUnusableError], None],
        batch_timeout_s: float,
    ) -> None:
        self._hosted = {one.identity: one for one in hosted}
        self._refuse = refuse
        self._batch_timeout_s = batch_timeout_s
        self._classifiers: dict[str, Classifier] = {}
        self.unusable: dict[str, ClassifierUnusableError] = {}
        for identity, one in self._hosted.items():
            try:
                with self._unhurried():
                    self._classifiers[identity] = _make(one)
            except ClassifierUnusableError as error:
                self._give_up(identity, error)

    @property
    def manifests(self) -> Mapping[str, Manifest]:
        """Manifests of the classifiers that could be made."""
        return {name: one.manifest for name, one in self._classifiers.items()}

    def load(self) -> dict[str, Batcher]:
        """Load everything; return a batcher for each classifier that could be made."""
        batchers = {}
        for identity, classifier in self._classifiers.items():
            hosted = self._hosted[identity]
            scorer: Scorer = WatchedScorer(CheckedScorer(classifier), self._batch_timeout_s)
            try:
                with self._unhurried():
                    _load(classifier, hosted.device)
            except ClassifierUnusableError as error:
                self._give_up(identity, error)
                scorer = UnusableScorer(error)
            batchers[identity] = Batcher(scorer, hosted.batch_windows)
        return batchers

    def _unhurried(self) -> AbstractContextManager[None]:
        return limited(UNHURRIED * self._batch_timeout_s)

    def _give_up(self, identity: str, error: ClassifierUnusableError) -> None:
        log.error("classifier_unusable", classifier=identity, code=error.code, reason=str(error))
        self.unusable[identity] = error
        self._refuse(identity, error)

    @property
    def empty(self) -> bool:
        """Whether no classifier is left."""
        return len(self.unusable) == len(self._hosted)


def load_untraced(classifier: Classifier, device: str) -> None:
    """Load a classifier without looking for garbage meanwhile.

    Frameworks make a million objects that stay; going through them again and again takes a tenth
    of the time they need to start.
    """
    gc.disable()
    try:
        classifier.load(device)
    finally:
        gc.freeze()
        gc.enable()


def _load(classifier: Classifier, device: str) -> None:
    try:
        load_untraced(classifier, device)
    except ClassifierError as error:
        raise ClassifierUnusableError(error.code, str(error)) from error
    except Exception as error:
        raise ClassifierUnusableError(
            ClassifierCrashedError.code,
            f"The classifier broke down while it was loaded ({type(error).__name__}: {error}); "
            "tell its authors, or use another one.",
        ) from error


def _make(hosted: Hosted) -> Classifier:
    try:
        classifier = make_classifier(hosted.target, hosted.folder)
    except (ImportError, AttributeError) as error:
        reason = f"{hosted.target}: {error}"
        raise ClassifierUnusableError("classifier_broken", reason) from error
    except ClassifierError as error:
        raise ClassifierUnusableError(error.code, str(error)) from error
    found = classifier.manifest.identity
    if found != hosted.identity:
        raise ClassifierUnusableError(
            "classifier_changed",
            f"the worker found {found} where {hosted.identity} was expected; the plugin was "
            "changed meanwhile: start again",
        )
    return classifier
