"""The training loop of networks: seeded, resumable after any epoch, with an eye on trouble."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import structlog
import torch
from torch import Tensor, nn

from earmark_classifiers.networks.segments import SegmentNetwork
from earmark_classifiers.training.augment import SPECTRUM_MASKS, mask_spectra
from earmark_classifiers.training.checkpoint import read_checkpoint, write_checkpoint
from earmark_classifiers.training.errors import TrainingError
from earmark_classifiers.training.segments import Batch, Segments, class_weights
from earmark_classifiers.training.trainers import Progress

log = structlog.get_logger()

State = dict[str, Tensor]


class DivergedError(TrainingError):
    """The loss is not a number any more."""

    code = "loss_not_finite"


class DeviceMemoryError(TrainingError):
    """Not even a single segment fits into memory."""

    code = "out_of_device_memory"


@dataclass(frozen=True)
class Recipe:
    """The numbers of a training; a change makes another network.

    Attributes
    ----------
    epochs : int
        At most; each hears a segment of every clip.
    batch : int
        Segments whose mean gradient makes one step.
    learning_rate, weight_decay : float
        Of AdamW; the rate rises over the first epoch and falls as a cosine to zero.
    patience : int
        Epochs without a better validation after which it ends.
    seed : int
    """

    epochs: int = 40
    batch: int = 32
    learning_rate: float = 2e-3
    weight_decay: float = 1e-2
    patience: int = 12
    seed: int = 0


@dataclass(frozen=True)
class Verdict:
    """What validation says of an epoch; the greater the better, accuracy first."""

    accuracy: float
    agreement: float
    """Negative validation loss: decides between epochs of equal accuracy."""


class Fit:
    """A network in training and everything a checkpoint has to hold.

    Parameters
    ----------
    network : SegmentNetwork
        On its device; parameters that need no gradient stay as they are.
    segments : Segments
        What it learns from.
    recipe : Recipe
    data_key : str
        Stands for data and options: a checkpoint of another key is not gone on from.
    frozen : sequence of Module
        Parts whose running statistics must not move either.
    augment : sequence of str
        Names of augmentations; those of waveforms are the business of `segments`.
    """

    def __init__(
        self,
        network: SegmentNetwork,
        segments: Segments,
        recipe: Recipe,
        *,
        data_key: str = "",
        frozen: Sequence[nn.Module] = (),
        augment: Sequence[str] = (),
    ) -> None:
        self.network, self.recipe = network, recipe
        self._segments = segments
        self._identity = {**asdict(recipe), "data": data_key}
        self._frozen = frozen
        self._masking = SPECTRUM_MASKS in augment
        self._device = next(network.parameters()).device
        self._weights = torch.from_numpy(class_weights(segments.targets)).to(self._device)
        trained = [p for p in network.parameters() if p.requires_grad]
        self._optimizer = torch.optim.AdamW(
            trained, recipe.learning_rate, weight_decay=recipe.weight_decay
        )
        self._chunk = recipe.batch
        self.epoch = 0
        self.best: tuple[Verdict, State, int] | None = None

    def run(
        self,
        validate: Callable[[SegmentNetwork], Verdict],
        folder: Path,
        report: Callable[[Progress], None],
    ) -> None:
        """Train until the last epoch or until validation gets no better.

        Afterwards `network` has the weights of the best epoch. A checkpoint lies in `folder`
        after each.

        Raises
        ------
        DivergedError, DeviceMemoryError
        """
        started, first = time.monotonic(), self.epoch
        while not self.done:
            loss = self._train_epoch()
            self._consider(validate(self.network))
            write_checkpoint(folder, self.state())
            pace = (time.monotonic() - started) / (self.epoch - first)
            assert self.best is not None
            report(
                Progress(
                    "training",
                    self.epoch,
                    self.recipe.epochs,
                    loss=loss,
                    accuracy=self._last.accuracy,
                    seconds_left=pace * (self.recipe.epochs - self.epoch),
                )
            )
        if self.best is not None:
            self.network.load_state_dict(self.best[1])
        self.network.eval()

    @property
    def done(self) -> bool:
        """Whether there is nothing left to do."""
        waited = self.epoch - self.best[2] if self.best else 0
        return self.epoch >= self.recipe.epochs or waited >= self.recipe.patience

    def state(self) -> dict[str, Any]:
        """Return what `resume` needs: a training that goes on ends as if it had not stopped."""
        assert self.best is not None
        verdict, weights, epoch = self.best
        return {
            "recipe": self._identity,
            "epoch": self.epoch,
            "network": self.network.state_dict(),
            "optimizer": self._optimizer.state_dict(),
            "best": {"verdict": asdict(verdict), "weights": weights, "epoch": epoch},
            "chunk": self._chunk,
        }

    def resume(self, folder: Path) -> None:
        """Go on from the checkpoint in `folder`.

        Raises
        ------
        CheckpointError
        """
        state = read_checkpoint(folder, self._identity)
        self.epoch, self._chunk = state["epoch"], state["chunk"]
        self.network.load_state_dict(state["network"])
        self._optimizer.load_state_dict(state["optimizer"])
        best = state["best"]
        self.best = (Verdict(**best["verdict"]), best["weights"], best["epoch"])

    def _consider(self, verdict: Verdict) -> None:
        self._last = verdict
        better = self.best is None or (
            (verdict.accuracy, verdict.agreement) > (self.best[0].accuracy, self.best[0].agreement)
        )
        if better:
            state = self.network.state_dict()
            weights = {name: value.detach().cpu().clone() for name, value in state.items()}
            self.best = (verdict, weights, self.epoch)

    def _train_epoch(self) -> float:
        """Hear a segment of every clip and return the mean loss."""
        # Everything random follows from seed and epoch, so no generator has to be stored.
        rng = np.random.default_rng((self.recipe.seed, self.epoch))
        torch.manual_seed(int(rng.integers(2**62)))
        self.network.train()
        for part in self._frozen:
            part.eval()
        total, heard = 0.0, 0
        steps = math.ceil(len(self._segments) / self.recipe.batch)
        for step, batch in enumerate(self._segments.batches(self.recipe.batch, rng)):
            self._set_rate(self.epoch * steps + step, steps)
            total += self._learn(batch, rng) * len(batch.samples)
            heard += len(batch.samples)
        self.epoch += 1
        return total / heard

    def _set_rate(self, step: int, steps_per_epoch: int) -> None:
        progress = step / (self.recipe.epochs * steps_per_epoch)
        factor = min((step + 1) / steps_per_epoch, 0.5 + 0.5 * math.cos(math.pi * progress))
        for group in self._optimizer.param_groups:
            group["lr"] = self.recipe.learning_rate * factor

    def _learn(self, batch: Batch, rng: np.random.Generator) -> float:
        """Make one step and return the loss, in parts where memory is short."""
        masks = int(rng.integers(2**62))
        while True:
            try:
                loss = self._accumulate(batch, masks)
                break
            except (torch.OutOfMemoryError, MemoryError) as error:
                if self._chunk == 1:
                    raise DeviceMemoryError(
                        f"Not even one segment fits into the memory of {self._device}. Close "
                        "other programs, or train on another device."
                    ) from error
                self._chunk = max(1, self._chunk // 2)
                log.warning("out of memory, the batch is halved", segments=self._chunk)
        if not math.isfinite(loss):
            raise DivergedError(
                f"The loss became {loss} in epoch {self.epoch + 1}, so nothing more can be learnt. "
                "Try another --seed; if it happens again, look for broken sounds in the data."
            )
        nn.utils.clip_grad_norm_(self.network.parameters(), 5.0)
        self._optimizer.step()
        return loss

    def _accumulate(self, batch: Batch, masks: int) -> float:
        """Add up the gradients of the batch, as many segments at once as fit."""
        self._optimizer.zero_grad(set_to_none=True)
        total = 0.0
        rng = np.random.default_rng(masks)
        for at in range(0, len(batch.samples), self._chunk):
            part = slice(at, at + self._chunk)
            share = len(batch.samples[part]) / len(batch.samples)
            loss = share * self._loss(batch.samples[part], batch.targets[part], rng)
            loss.backward()  # type: ignore[no-untyped-call]
            total += loss.item()
        return total

    def _loss(
        self,
        samples: npt.NDArray[np.float32],
        targets: npt.NDArray[np.float32],
        rng: np.random.Generator,
    ) -> Tensor:
        """Cross-entropy of every class on its own, so that none may be right, or several.

        Clips of rare classes weigh more.
        """
        wanted = torch.from_numpy(targets).to(self._device)
        with torch.no_grad():
            logmels = self.network.listen(torch.from_numpy(samples).to(self._device))
            if self._masking:
                masked = mask_spectra(logmels.squeeze(1).cpu().numpy(), rng)
                logmels = torch.from_numpy(masked).unsqueeze(1).to(self._device)
        logits, _ = self.network.classify(logmels)
        losses = nn.functional.binary_cross_entropy_with_logits(logits, wanted, reduction="none")
        weight = (wanted @ self._weights) / wanted.sum(1).clamp(min=1e-6)
        return (weight * losses.sum(1)).mean()
