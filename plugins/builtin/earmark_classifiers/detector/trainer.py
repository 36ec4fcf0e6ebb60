"""Training a detector from sounds and backgrounds."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from earmark_classifiers.calibration import Calibration
from earmark_classifiers.detector.classifier import THRESHOLD
from earmark_classifiers.detector.describing import describe_short
from earmark_classifiers.detector.mixtures import mix
from earmark_classifiers.detector.threshold import choose_threshold, window_figures
from earmark_classifiers.embedding_linear.describing import Embedder
from earmark_classifiers.tabular.applying import MODEL_FILE, ScoringModel
from earmark_classifiers.tabular.fitting import fit_linear
from earmark_classifiers.tabular.learning import Learner, learn
from earmark_classifiers.tabular.rows import BATCH, Rows, clip_windows
from earmark_classifiers.tabular.trainer import refuse_options
from earmark_classifiers.trained import Draft
from earmark_classifiers.training.data import Dataset, LabelledClip, Split
from earmark_classifiers.training.errors import DataError
from earmark_classifiers.training.sounds import SoundStore
from earmark_classifiers.training.trainers import Progress, TrainOptions
from earmark_plugin_api import InvalidInputError, Label, Window

Floats = npt.NDArray[np.float32]
Truth = npt.NDArray[np.bool_]

BACKGROUND_NAMES = frozenset({"background", "backgrounds", "negative", "none", "other"})

WINDOW = Window(seconds=3.0, hop_seconds=1.0)

MIXTURES = 4
"""Backgrounds every window of the sound is laid over, beside being heard alone."""


class NoBackgroundError(DataError):
    """The data are not one sound and one background."""

    code = "no_background"


class DetectorTrainer:
    """Learns one sound from two folders: the sound, and what it is to be told from.

    Parameters
    ----------
    window : Window
        How recordings are cut: no longer than what `audioset` hears at once.

    Raises
    ------
    InvalidInputError
        If the window is longer.
    """

    backend = "detector"
    learner = Learner(fit_linear, strengths=(0.001, 0.003, 0.01, 0.03, 0.1))

    def __init__(self, window: Window = WINDOW) -> None:
        self._embedder = Embedder()
        if window.seconds > self._embedder.window.seconds:
            raise InvalidInputError(
                f"a detector's window has {self._embedder.window.seconds:g} s at most"
            )
        self._window = window
        self.sample_rate = self._embedder.sample_rate

    def train(
        self,
        data: Dataset,
        split: Split,
        options: TrainOptions,
        report: Callable[[Progress], None],
    ) -> Draft:
        """Train; see `training.trainers.Trainer.train`.

        Raises
        ------
        NoBackgroundError
            If there are not exactly two classes, one of them called ``background``, or no clip
            is of the background alone.
        """
        refuse_options(self.backend, options)
        sound, background = _tell_apart(data.labels)
        rng = np.random.default_rng(options.seed)
        self._embedder.load(options.device)
        try:
            train, validation = (
                self._describe(_Scene.of(clips, sound, background), options, rng, report, stage)
                for clips, stage in (
                    (split.train, "features"),
                    (split.validation, "features of validation"),
                )
            )
        finally:
            self._embedder.close()
        learnt = learn(
            train, self.learner, options.seed, lambda n, of: report(Progress("training", n, of))
        )
        truth = validation.row_truth[:, 0]
        model = _centred(learnt.model, validation.values, truth)
        figures = window_figures(model.score(validation.values)[:, 0], truth, THRESHOLD)
        report(Progress("done", 1, 1, accuracy=figures["accuracy"]))
        return Draft(
            backend=self.backend,
            labels=(Label(sound, sound),),
            sample_rate=self.sample_rate,
            window=self._window,
            description=f"Finds {sound!r} in long recordings.",
            files={MODEL_FILE: model.content()},
            settings={**model.settings(), "embedder": self._embedder.identity},
            training={"figures": figures, "strength": learnt.strength, "background": background},
            embedding_size=self._embedder.embedding_size,
            devices=self._embedder.devices,
            memory_mb=self._embedder.memory_mb,
        )

    def _describe(
        self,
        scene: _Scene,
        options: TrainOptions,
        rng: np.random.Generator,
        report: Callable[[Progress], None],
        stage: str,
    ) -> Rows:
        values: list[Floats] = []
        owner: list[int] = []
        batch: list[Floats] = []
        for number, samples in _windows(scene, options.sounds, self._window, rng):
            owner.append(number)
            batch.append(samples)
            if len(batch) == BATCH:
                values.append(describe_short(self._embedder, np.stack(batch))[0])
                batch.clear()
                report(Progress(stage, number, len(scene.clips)))
        if batch:
            values.append(describe_short(self._embedder, np.stack(batch))[0])
        truth = np.array([[clip in scene.sounds] for clip in scene.clips])
        groups = tuple(clip.group for clip in scene.clips)
        return Rows(np.concatenate(values), np.array(owner, np.int64), truth, groups)


@dataclass(frozen=True)
class _Scene:
    """What is to be found, and what in."""

    sounds: tuple[LabelledClip, ...]
    backgrounds: tuple[LabelledClip, ...]

    @property
    def clips(self) -> tuple[LabelledClip, ...]:
        return (*self.sounds, *self.backgrounds)

    @classmethod
    def of(cls, clips: Sequence[LabelledClip], sound: str, background: str) -> _Scene:
        # A clip that is both has the sound in it.
        sounds = tuple(clip for clip in clips if sound in clip.labels)
        backgrounds = tuple(clip for clip in clips if sound not in clip.labels)
        if not backgrounds:
            raise NoBackgroundError(
                f"Every clip of {background!r} is labelled {sound!r} too; add recordings of the "
                "place without it."
            )
        return cls(sounds, backgrounds)


def _tell_apart(labels: Sequence[str]) -> tuple[str, str]:
    """Return the names of the sound and of the background."""
    found = [label for label in labels if label.casefold() in BACKGROUND_NAMES]
    if len(labels) != 2 or len(found) != 1:
        raise NoBackgroundError(
            f"A detector learns one sound from two folders: the sound, and one called "
            f"'background' with recordings of the place without it. Found: {', '.join(labels)}."
        )
    (sound,) = set(labels) - set(found)
    return sound, found[0]


def _centred(model: ScoringModel, values: Floats, truth: Truth) -> ScoringModel:
    """Shift the scores so that the best threshold on validation windows is `THRESHOLD`."""
    decisions = model.model.decide(model.scaler(values))[:, 0]
    offset = -model.calibration.scale * choose_threshold(decisions, truth)
    return replace(model, calibration=Calibration(model.calibration.scale, offset))


def _windows(
    scene: _Scene, sounds: SoundStore, window: Window, rng: np.random.Generator
) -> Iterator[tuple[int, Floats]]:
    """Yield windows with the number of their clip: sounds alone, sounds mixed, backgrounds."""
    # Training needs no overlap, which would be most of the same again.
    apart = Window(window.seconds, window.seconds)
    behind = [
        (number, samples)
        for number, clip in enumerate(scene.backgrounds, len(scene.sounds))
        for samples in clip_windows(sounds.samples(clip), apart, sounds.sample_rate)
    ]
    for number, clip in enumerate(scene.sounds):
        samples = sounds.samples(clip)
        for part in clip_windows(samples, apart, sounds.sample_rate):
            yield number, part
        for _ in range(MIXTURES):
            _, background = behind[int(rng.integers(len(behind)))]
            yield number, mix(samples, background, rng)
    yield from behind
