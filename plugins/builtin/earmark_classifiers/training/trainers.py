"""What a backend implements so that ``earmark train`` can train it, and which backends do."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Protocol, cast

from earmark_classifiers.trained import Draft
from earmark_classifiers.training.data import Dataset, Split
from earmark_classifiers.training.errors import TrainingError
from earmark_classifiers.training.sounds import SoundStore

TRAINERS: Mapping[str, str] = {
    "cnn": "earmark_classifiers.cnn.trainer:CnnTrainer",
    "detector": "earmark_classifiers.detector.trainer:DetectorTrainer",
    "embedding-linear": "earmark_classifiers.embedding_linear.trainer:EmbeddingLinearTrainer",
    "features-forest": "earmark_classifiers.features_svm.trainer:FeaturesForestTrainer",
    "features-svm": "earmark_classifiers.features_svm.trainer:FeaturesSvmTrainer",
    "rnn": "earmark_classifiers.rnn.trainer:RnnTrainer",
}
"""Where the trainer of each backend is, ``package.module:Class``; see `get_trainer`."""


class UnknownBackendError(TrainingError):
    """No backend of that name can be trained."""

    code = "unknown_backend"


class UnsupportedOptionError(TrainingError):
    """The backend has no use for an option that was given."""

    code = "unsupported_option"


@dataclass(frozen=True)
class Progress:
    """Where a training is.

    Attributes
    ----------
    stage : str
        What is going on: ``decoding``, ``features``, ``training`` ...
    step, of : int
        How far it is, in steps of the stage; 0 of 0 where nobody knows.
    loss, accuracy : float or None
        Loss of the last epoch; share of validation clips whose first label is right.
    seconds_left : float or None
        Estimated time to the end of the stage.
    """

    stage: str
    step: int
    of: int
    loss: float | None = None
    accuracy: float | None = None
    seconds_left: float | None = None


@dataclass(frozen=True)
class TrainOptions:
    """What people may choose; None is the backend's own choice.

    Attributes
    ----------
    sounds : SoundStore
        All clips of the data, decoded at the trainer's `sample_rate`.
    work : Path
        Existing folder for checkpoints and caches of this training. What is in it belongs to an
        earlier part of the same training if `resume`, and to nobody else.
    seed : int
        Everything random follows from it.
    epochs : int or None
    device : str
        ``cpu``, ``cuda``, ``cuda:1``.
    init : str or None
        What to start from: ``audioset`` or ``<backend>:<installed classifier>``.
    init_folder : Path or None
        Where that installed classifier is.
    freeze : int
        How many layers of it stay as they are, counted from the input.
    augment : tuple of str or None
        Names of augmentations; an empty tuple is none at all.
    resume : bool
        Go on from the checkpoint in `work`.
    """

    sounds: SoundStore
    work: Path
    seed: int = 0
    epochs: int | None = None
    device: str = "cpu"
    init: str | None = None
    init_folder: Path | None = None
    freeze: int = 0
    augment: tuple[str, ...] | None = None
    resume: bool = False


class Trainer(Protocol):
    """Learns from labelled sounds. Made without arguments, cheaply, without heavy imports."""

    @property
    def sample_rate(self) -> int:
        """Rate in hertz at which it wants the sounds."""
        ...

    def train(
        self,
        data: Dataset,
        split: Split,
        options: TrainOptions,
        report: Callable[[Progress], None],
    ) -> Draft:
        """Train and return what is to be installed.

        Parameters
        ----------
        data : Dataset
            ``data.labels`` is the order of the score columns.
        split : Split
            Of the clips of `data`; every class has clips in ``split.train``.
        options : TrainOptions
        report : callable
            Called now and then. What it raises ends the training and is passed on.

        Returns
        -------
        Draft
            With the validation figures in ``training["figures"]``: at least ``accuracy`` and
            ``macro_recall``.

        Raises
        ------
        TrainingError
            With a sentence on what to do. Nothing is installed then.
        """
        ...


def get_trainer(backend: str) -> Trainer:
    """Return the trainer of a backend.

    Raises
    ------
    UnknownBackendError
        If there is none.
    """
    if backend not in TRAINERS:
        raise UnknownBackendError(
            f"There is no backend {backend!r} that can be trained; choose one of "
            f"{', '.join(sorted(TRAINERS))}."
        )
    module, _, name = TRAINERS[backend].partition(":")
    return cast(Trainer, getattr(import_module(module), name)())
