"""The training loop: seeded, resumable after any epoch, with a progress line."""

from __future__ import annotations

import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from copy import deepcopy
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import structlog
import torch
from torch import Tensor

from earmark_classifiers.audioset.network import AudioSetNetwork
from earmark_classifiers.audioset.training.augment import SAMPLES, draw_batch, to_student_rate
from earmark_classifiers.audioset.training.calibrate import PLAIN
from earmark_classifiers.audioset.training.corpus import Corpus
from earmark_classifiers.audioset.training.judge import (
    clip_scores,
    judge,
    validation_windows,
    window_logits,
)
from earmark_classifiers.audioset.training.teacher import (
    Projection,
    Teacher,
    fit_projection,
    inherit,
)
from earmark_classifiers.networks.mobilenet import by_channel, fuse_batch_norms

log = structlog.get_logger()


@dataclass(frozen=True)
class Recipe:
    """The numbers of a training; a change makes another network."""

    epochs: int = 24
    steps_per_epoch: int = 296
    batch: int = 32
    learning_rate: float = 6e-4
    warmup_steps: int = 200
    cooldown: float = 0.35
    weight_decay: float = 1e-3
    averaging: float = 0.999
    seed: int = 20261120


@dataclass(frozen=True, eq=False)
class Lesson:
    """A batch for the student, and what the teacher said about it.

    Attributes
    ----------
    samples : Tensor
        ``[batch, 80000]`` at 16 kHz.
    logits : Tensor
        ``[batch, 527]``.
    embeddings : Tensor
        ``[batch, 256]``, in the student's space.
    """

    samples: Tensor
    logits: Tensor
    embeddings: Tensor


class Distillation:
    """A student, its teacher, and everything a checkpoint has to hold."""

    def __init__(self, corpus: Corpus, teacher: Teacher, recipe: Recipe) -> None:
        torch.manual_seed(recipe.seed)
        self.corpus, self.teacher, self.recipe = corpus, teacher, recipe
        self.student = AudioSetNetwork()
        self.projection = fit_projection(self._teacher_embeddings())
        inherit(self.student, teacher, self.projection)
        fuse_batch_norms(teacher)
        by_channel(self.student)
        self.average = deepcopy(self.student).requires_grad_(False)
        self.optimizer = torch.optim.AdamW(
            self.student.parameters(), recipe.learning_rate, weight_decay=recipe.weight_decay
        )
        self.train_clips = np.flatnonzero(~corpus.is_val)
        self.odds = sampling_odds(corpus.teacher[self.train_clips])
        self.epoch = 0

    def run(self, folder: Path) -> None:
        """Train to the last epoch, writing a checkpoint into `folder` after each."""
        windows, owners = validation_windows(self.corpus)
        while self.epoch < self.recipe.epochs:
            started = time.monotonic()
            loss = self.train_epoch()
            self.save(folder / "checkpoint.pt")
            scores = clip_scores(PLAIN(window_logits(self.average, windows)), owners)
            figures = judge(scores, self.corpus.teacher[self.corpus.is_val])
            seconds = time.monotonic() - started
            log.info(
                "epoch",
                epoch=self.epoch,
                of=self.recipe.epochs,
                loss=round(loss, 4),
                top1_in_top3=round(figures.top1_in_top3, 4),
                map=round(figures.mean_average_precision, 4),
                classes=figures.classes,
                seconds=round(seconds),
                eta_minutes=round(seconds * (self.recipe.epochs - self.epoch) / 60),
            )

    def save(self, path: Path) -> None:
        """Write a checkpoint; the old one stays whole until the new one is."""
        state = {
            "recipe": asdict(self.recipe),
            "epoch": self.epoch,
            "student": self.student.state_dict(),
            "average": self.average.state_dict(),
            "optimizer": self.optimizer.state_dict(),
            "axes": self.projection.axes,
            "mean": self.projection.mean,
        }
        temporary = path.with_suffix(".partial")
        torch.save(state, temporary)
        temporary.replace(path)

    def resume(self, path: Path) -> None:
        """Go on from a checkpoint; batches are drawn by epoch, so the rest is as it would be."""
        state = torch.load(path, weights_only=True)
        self.epoch = state["epoch"]
        self.student.load_state_dict(state["student"])
        self.average.load_state_dict(state["average"])
        self.optimizer.load_state_dict(state["optimizer"])
        self.projection = Projection(state["axes"], state["mean"])

    def train_epoch(self) -> float:
        """Train one epoch and return its mean loss."""
        steps = self.recipe.steps_per_epoch
        self.student.train()
        total = 0.0
        for step, lesson in enumerate(self._lessons(steps)):
            self._set_rate(self.epoch * steps + step, self.recipe.epochs * steps)
            loss = self._learn(lesson)
            total += loss
            if step % 40 == 0:
                log.debug("step", epoch=self.epoch, step=step, of=steps, loss=round(loss, 4))
        self.epoch += 1
        return total / steps

    def _lessons(self, count: int) -> Iterator[Lesson]:
        """Draw the batches of an epoch; the teacher prepares one while the student learns."""
        rng = np.random.default_rng((self.recipe.seed, self.epoch))
        with ThreadPoolExecutor(1) as pool:
            following = pool.submit(self._prepare, rng)
            for number in range(count):
                lesson = following.result()
                if number + 1 < count:
                    following = pool.submit(self._prepare, rng)
                yield lesson

    def _prepare(self, rng: np.random.Generator) -> Lesson:
        clips = rng.choice(self.train_clips, self.recipe.batch, p=self.odds)
        batch = draw_batch(self.corpus, clips, rng)
        logits, embeddings = self.teacher(batch)
        # Cloned: what inference mode made cannot take part in a backward pass.
        return Lesson(to_student_rate(batch), logits.clone(), self.projection(embeddings.clone()))

    def _learn(self, lesson: Lesson) -> float:
        guess, embedding = self.student(lesson.samples)
        loss = distillation_loss(guess, embedding, lesson.logits, lesson.embeddings)
        self.optimizer.zero_grad(set_to_none=True)
        loss.backward()  # type: ignore[no-untyped-call]
        torch.nn.utils.clip_grad_norm_(self.student.parameters(), 5.0)
        self.optimizer.step()
        self._update_average()
        return loss.item()

    def _set_rate(self, step: int, steps: int) -> None:
        """Warm up, hold, and fall to zero over the last part (a trapezoid)."""
        recipe = self.recipe
        fall = (steps - step) / (recipe.cooldown * steps)
        factor = min(1.0, (step + 1) / recipe.warmup_steps, fall)
        for group in self.optimizer.param_groups:
            group["lr"] = recipe.learning_rate * factor

    @torch.no_grad()
    def _update_average(self) -> None:
        keep = self.recipe.averaging
        ours, theirs = self.average.state_dict(), self.student.state_dict()
        for name, value in ours.items():
            if value.dtype.is_floating_point:
                value.lerp_(theirs[name], 1 - keep)
            else:
                value.copy_(theirs[name])

    def _teacher_embeddings(self, clips: int = 3_000, batch: int = 50) -> Tensor:
        rng = np.random.default_rng(self.recipe.seed)
        train = np.flatnonzero(~self.corpus.is_val)
        chosen = rng.choice(train, min(clips, len(train)), replace=False)
        parts = [self.teacher(part)[1] for part in _plain_batches(self.corpus, chosen, batch)]
        return torch.cat(parts).clone()


def _plain_batches(corpus: Corpus, clips: npt.NDArray[np.int64], batch: int) -> Iterator[Tensor]:
    for at in range(0, len(clips), batch):
        rows = [np.resize(corpus.samples(c), SAMPLES) for c in clips[at : at + batch]]
        yield torch.from_numpy(np.stack(rows).astype(np.float32) / 32768)


def distillation_loss(guess: Tensor, embedding: Tensor, logits: Tensor, target: Tensor) -> Tensor:
    """Sum of how far scores, logits and embedding are from the teacher's.

    Cross-entropy on the scores teaches the decision, squared error on the logits the order of
    the hundreds of classes that are not there, and the embedding what makes sounds alike.
    """
    scores = torch.sigmoid(logits)
    decision = torch.nn.functional.binary_cross_entropy_with_logits(guess, scores, reduction="none")
    weight = 0.25 + scores.sqrt()
    order = (weight * (guess - logits.clamp(min=-10)).square()).mean()
    distance = (embedding - target).square().sum(1) / target.square().sum(1).mean()
    angle = 1 - torch.nn.functional.cosine_similarity(embedding, target)
    return 2 * decision.sum(1).mean() / 10 + order + distance.mean() + angle.mean()


def sampling_odds(logits: npt.NDArray[np.float32]) -> npt.NDArray[np.float64]:
    """Odds of drawing each clip: rare classes more often, by the root of their rarity.

    Parameters
    ----------
    logits : ndarray of float32, shape (clips, 527)
        The teacher's.
    """
    scores = 1 / (1 + np.exp(-logits.astype(np.float64)))
    present = np.where(scores > 0.1, scores, 0.0)
    rarity = 1 / np.sqrt(present.sum(axis=0) + 3)
    weight = (present * rarity).max(axis=1)
    weight = np.maximum(weight, np.median(weight) / 2)
    odds: npt.NDArray[np.float64] = weight / weight.sum()
    return odds
