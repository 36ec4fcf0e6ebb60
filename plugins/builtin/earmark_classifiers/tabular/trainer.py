"""What the trainers of the classic backends do alike; see `training.trainers.Trainer`."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt

from earmark_classifiers.scores import pool_owned
from earmark_classifiers.tabular.applying import MODEL_FILE
from earmark_classifiers.tabular.learning import Learner, Learnt, learn
from earmark_classifiers.tabular.rows import Rows, describe_clips
from earmark_classifiers.trained import Draft
from earmark_classifiers.training.data import Dataset, LabelledClip, Split
from earmark_classifiers.training.figures import clip_figures
from earmark_classifiers.training.trainers import Progress, TrainOptions, UnsupportedOptionError
from earmark_plugin_api import Label, Window

Floats = npt.NDArray[np.float32]
Report = Callable[[Progress], None]
Describe = Callable[[Floats], Floats]


class TabularTrainer(ABC):
    """Describes the windows of all clips once and learns from the descriptions.

    Needs minutes rather than hours, so an interrupted training begins again: `resume` is accepted
    and has nothing to go on from.
    """

    backend: ClassVar[str]
    learner: ClassVar[Learner]
    sample_rate: int
    window: Window
    devices: tuple[str, ...] = ("cpu",)
    embedding_size: int = 0
    memory_mb: int = 50

    @abstractmethod
    def describer(self, device: str) -> AbstractContextManager[Describe]:
        """Return what maps windows ``[windows, samples]`` to features, ready to be used."""

    def settings(self) -> dict[str, Any]:
        """Return what the classifier has to be told beside its model."""
        return {}

    @abstractmethod
    def summary(self, labels: int) -> str:
        """Return one sentence for people about the classifier."""

    def train(self, data: Dataset, split: Split, options: TrainOptions, report: Report) -> Draft:
        """Train; see `training.trainers.Trainer.train`."""
        refuse_options(self.backend, options)
        with self.describer(options.device) as describe:
            train, validation = (
                self._rows(name, clips, data.labels, options, describe, report)
                for name, clips in (
                    ("features", split.train),
                    ("features of validation", split.validation),
                )
            )
        learnt = learn(
            train, self.learner, options.seed, lambda n, of: report(Progress("training", n, of))
        )
        scores = pool_owned(learnt.model.score(validation.values), validation.owner)
        figures = clip_figures(data.labels, validation.truth, scores, calibrated=scores)
        report(Progress("done", 1, 1, accuracy=figures["accuracy"]))
        return self._draft(data, learnt, figures)

    def _rows(
        self,
        stage: str,
        clips: tuple[LabelledClip, ...],
        labels: tuple[str, ...],
        options: TrainOptions,
        describe: Describe,
        report: Report,
    ) -> Rows:
        return describe_clips(
            clips,
            labels,
            options.sounds,
            self.window,
            describe,
            lambda done, of: report(Progress(stage, done, of)),
        )

    def _draft(self, data: Dataset, learnt: Learnt, figures: dict[str, Any]) -> Draft:
        return Draft(
            backend=self.backend,
            labels=tuple(Label(name, name) for name in data.labels),
            sample_rate=self.sample_rate,
            window=self.window,
            description=self.summary(len(data.labels)),
            files={MODEL_FILE: learnt.model.content()},
            settings={**learnt.model.settings(), **self.settings()},
            training={
                "figures": figures,
                "strength": learnt.strength,
                "log_losses": {f"{strength:g}": loss for strength, loss in learnt.losses.items()},
            },
            calibrated=True,
            embedding_size=self.embedding_size,
            devices=self.devices,
            memory_mb=self.memory_mb,
        )


def refuse_options(backend: str, options: TrainOptions) -> None:
    """Refuse options that only mean something for networks.

    Raises
    ------
    UnsupportedOptionError
    """
    given = {
        "--epochs": options.epochs is not None,
        "--init": options.init is not None,
        "--freeze": options.freeze != 0,
        "--augment": bool(options.augment),
    }
    for name, is_given in given.items():
        if is_given:
            raise UnsupportedOptionError(
                f"{backend} has no use for {name}: it is not a network trained step by step. "
                "Leave the option out."
            )
