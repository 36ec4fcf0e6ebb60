"""The trainer of backends whose classifiers are networks over segments."""

from __future__ import annotations

import hashlib
from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import asdict, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from earmark_classifiers.trained import Draft
from earmark_classifiers.training.augment import require_known
from earmark_classifiers.training.data import Dataset, Split
from earmark_classifiers.training.errors import StartError
from earmark_classifiers.training.trainers import Progress, TrainOptions
from earmark_plugin_api import Label, Window

if TYPE_CHECKING:
    from earmark_classifiers.networks.segments import Architectures, SegmentNetwork
    from earmark_classifiers.training.loop import Fit, Recipe
    from earmark_classifiers.training.validation import Validation

Report = Callable[[Progress], None]

WINDOW = Window(seconds=3.0, hop_seconds=3.0)


class TorchTrainer(ABC):
    """Makes a network, trains it, and hands over its best epoch.

    A subclass names its networks; see `earmark_classifiers.training.trainers.Trainer`.
    """

    backend: ClassVar[str]
    fresh: ClassVar[str]
    """Architecture that is trained from nothing."""
    bundled: ClassVar[Path]
    """Folder of the classifier that ships."""
    default_augment: ClassVar[tuple[str, ...]] = (
        *("time-shift", "filter", "gain", "noise"),
        *("mixup", "spec-augment"),
    )
    """All but stretching, which costs more time than the networks themselves."""

    sample_rate = 16_000

    @abstractmethod
    def architectures(self) -> Architectures:
        """Return the networks of the backend by name; imports torch."""

    @abstractmethod
    def describe(self, architecture: str, labels: tuple[str, ...]) -> str:
        """Return one sentence for people about a classifier."""

    def recipe(self, clips: int, options: TrainOptions) -> Recipe:
        """Return the numbers of the training; gentler where it starts from a trained network.

        Few clips are learnt from in small batches, so that an epoch has eight steps at least.
        """
        from earmark_classifiers.training.loop import Recipe

        recipe = Recipe(batch=min(max(clips // 8, 4), 32), seed=options.seed)
        if options.init:
            recipe = replace(recipe, learning_rate=5e-4, epochs=20, patience=6)
        return replace(recipe, epochs=options.epochs) if options.epochs else recipe

    def train(self, data: Dataset, split: Split, options: TrainOptions, report: Report) -> Draft:
        """Train; see `earmark_classifiers.training.trainers.Trainer.train`."""
        import torch

        from earmark_classifiers.torch_backend import require_device
        from earmark_classifiers.training.validation import Validation

        augment = self.default_augment if options.augment is None else options.augment
        require_known(augment)
        require_device(options.device)
        if options.device == "cpu":
            torch.set_num_threads(1)
        fit, architecture = self._make_fit(data, split, options, augment)
        validation = Validation(split.validation, data.labels, options.sounds, WINDOW)
        if options.resume:
            fit.resume(options.work)
        fit.run(validation, options.work, report)
        return self._draft(fit, architecture, validation, data, split, options, augment)

    def _make_fit(
        self, data: Dataset, split: Split, options: TrainOptions, augment: tuple[str, ...]
    ) -> tuple[Fit, str]:
        from earmark_classifiers.training.loop import Fit
        from earmark_classifiers.training.segments import Segments
        from earmark_classifiers.training.starting import freeze

        architecture, network = self._start(len(data.labels), options)
        frozen = freeze(network, options.freeze)
        fit = Fit(
            network.to(options.device),
            Segments(split.train, data.labels, options.sounds, WINDOW, augment),
            self.recipe(len(split.train), options),
            data_key=_key(architecture, split, options, augment),
            frozen=frozen,
            augment=augment,
        )
        return fit, architecture

    def _start(self, classes: int, options: TrainOptions) -> tuple[str, SegmentNetwork]:
        import torch

        from earmark_classifiers.training.starting import (
            read_trained_network,
            replace_head,
        )

        torch.manual_seed(options.seed)  # fresh weights follow from it
        if options.init is None:
            return self.fresh, self.architectures()[self.fresh](classes)
        folder = options.init_folder
        if options.init == f"{self.backend}:{self.backend}":
            folder = self.bundled
        if folder is None:
            return self.start_from(options.init, classes)
        architecture, network = read_trained_network(folder, self.backend, self.architectures())
        replace_head(network, classes)
        return architecture, network

    def start_from(self, init: str, classes: int) -> tuple[str, SegmentNetwork]:
        """Return architecture and network for an `init` that is no classifier of this backend.

        Raises
        ------
        StartError
            If this backend cannot start from it.
        """
        raise StartError(
            f"{self.backend} cannot start from {init!r}; give {self.backend}:NAME with the name of "
            "a trained classifier of this backend, or leave --init out."
        )

    def _draft(
        self,
        fit: Fit,
        architecture: str,
        validation: Validation,
        data: Dataset,
        split: Split,
        options: TrainOptions,
        augment: tuple[str, ...],
    ) -> Draft:
        from safetensors.torch import save

        from earmark_classifiers.segment_tagger import WEIGHTS_FILE

        network = fit.network.cpu()
        weights = {name: value.contiguous() for name, value in network.state_dict().items()}
        heard = validation.listen(network)
        calibration = validation.calibrate(heard)
        settings: dict[str, Any] = {"architecture": architecture}
        if calibration is not None:
            settings["calibration"] = asdict(calibration)
        assert fit.best is not None
        return Draft(
            backend=self.backend,
            labels=tuple(Label(name, name) for name in data.labels),
            sample_rate=self.sample_rate,
            window=WINDOW,
            description=self.describe(architecture, data.labels),
            files={WEIGHTS_FILE: save(weights)},
            settings=settings,
            training={
                "clips": {"train": len(split.train), "validation": len(split.validation)},
                "classes": data.counts(),
                "seed": options.seed,
                "init": options.init,
                "freeze": options.freeze,
                "augment": list(augment),
                "recipe": asdict(fit.recipe),
                "epochs": fit.epoch,
                "best_epoch": fit.best[2],
                "parameters": sum(p.numel() for p in network.parameters()),
                "figures": validation.figures(heard, calibration),
            },
            calibrated=calibration is not None,
            embedding_size=network.embedding_size,
            devices=("cpu", "cuda"),
            memory_mb=300,
        )


def _key(architecture: str, split: Split, options: TrainOptions, augment: tuple[str, ...]) -> str:
    """Stand for everything beside the recipe that makes a training what it is."""
    parts: list[object] = [architecture, options.init, options.init_folder, options.freeze, augment]
    for clips in (split.train, split.validation):
        parts += [(str(clip.path), clip.labels, options.sounds.length(clip)) for clip in clips]
    return hashlib.sha256(repr(parts).encode("utf-8", "surrogateescape")).hexdigest()
