"""Training the classic backends."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from earmark_classifiers.features_svm.describing import SAMPLE_RATE, WINDOW, describe_windows
from earmark_classifiers.tabular.fitting import fit_forest, fit_svm
from earmark_classifiers.tabular.learning import Learner
from earmark_classifiers.tabular.trainer import Describe, TabularTrainer
from earmark_classifiers.training.trainers import UnsupportedOptionError


class _FeaturesTrainer(TabularTrainer):
    sample_rate = SAMPLE_RATE
    window = WINDOW

    @contextmanager
    def describer(self, device: str) -> Iterator[Describe]:
        """Give the extractor, which runs on the CPU only."""
        if device != "cpu":
            raise UnsupportedOptionError(f"{self.backend} is trained on 'cpu', not on {device!r}.")
        yield describe_windows


class FeaturesSvmTrainer(_FeaturesTrainer):
    """Support vector machines with a Gaussian kernel over classic features."""

    backend = "features-svm"
    learner = Learner(fit_svm, strengths=(1.0, 3.0, 10.0))

    def summary(self, labels: int) -> str:
        """Return one sentence for people."""
        return f"{labels} classes: support vector machines over 136 classic features."


class FeaturesForestTrainer(_FeaturesTrainer):
    """A random forest over classic features."""

    backend = "features-forest"
    learner = Learner(fit_forest, strengths=(0.1,))

    def summary(self, labels: int) -> str:
        """Return one sentence for people."""
        return f"{labels} classes: a random forest over 136 classic features."
