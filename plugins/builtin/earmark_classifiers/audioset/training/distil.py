"""The training loop: seeded, resumable after any epoch, with a progress line."""

from __future__ import annotations

import math
import time
from collections import deque
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
from earmark_classifiers.audioset.training.augment import (
    SAMPLES,
    Sounds,
    draw_batch,
)
from earmark_classifiers.audioset.training.corpus import Corpus
from earmark_classifiers.audioset.training.judge import (
    judge,
    open_network,
    validation_windows,
)
from earmark_classifiers.audioset.training.recipe import Recipe, RecipeChangedError
from earmark_classifiers.audioset.training.teacher import (
    Projection,
    Teacher,
    fit_projection,
    inherit,
)
from earmark_classifiers.calibration import Calibration
from earmark_classifiers.networks.logmel import normalise_level
from earmark_classifiers.networks.mobilenet import fuse_batch_norms
from earmark_classifiers.scores import pool_owned

log = structlog.get_logger()

CHECKPOINT = "checkpoint.pt"

AHEAD = 4
"""Batches the teacher may be ahead of the student, so that neither waits for the other."""


@dataclass(frozen=True, eq=False)
class Lesson:
    """A batch for the student, and what the teacher said about it.

    Attributes
    ----------
    logmels : Tensor
        ``[batch, 1, 128, 500]``.
    logits : Tensor
        ``[batch, 527]``.
    embeddings : Tensor
        ``[batch, 256]``, in the student's space.
    """

    logmels: Tensor
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
        # The student hears what its teacher heard, so the teacher's statistics hold for it; with
        # them folded in, it learns a third faster.
        fuse_batch_norms(self.student)
        self.known: dict[tuple[int, int], tuple[Tensor, Tensor]] = {}
        self.average = deepcopy(self.student).requires_grad_(False)
        self.optimizer = torch.optim.AdamW(
            self.student.parameters(),
            recipe.learning_rate,
            weight_decay=recipe.weight_decay,
            fused=True,
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
            self.save(folder / CHECKPOINT)
            logits, _ = open_network(self.average)(windows)
            scores = pool_owned(Calibration()(logits), owners)
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
        """Go on from a checkpoint; batches are drawn by epoch, so the rest is as it would be.

        Raises
        ------
        RecipeChangedError
            If it was trained by another recipe.
        """
        state = torch.load(path, weights_only=True)
        if state["recipe"] != asdict(self.recipe):
            raise RecipeChangedError(
                f"{path} was trained by another recipe: {state['recipe']}. Train into another "
                "folder, or with that recipe."
            )
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
        recipe = self.recipe
        rng = np.random.default_rng((recipe.seed, self.epoch))
        progress = self.epoch / max(1, recipe.epochs - 1)
        altered = recipe.altered_first + progress * (recipe.altered_last - recipe.altered_first)
        with ThreadPoolExecutor(1) as pool:  # one, so that batches are drawn in order
            ahead = deque(
                pool.submit(self._prepare, rng, altered) for _ in range(min(AHEAD, count))
            )
            for number in range(count):
                lesson = ahead.popleft().result()
                if number + AHEAD < count:
                    ahead.append(pool.submit(self._prepare, rng, altered))
                yield lesson

    def _prepare(self, rng: np.random.Generator, altered: float) -> Lesson:
        clips = rng.choice(self.train_clips, self.recipe.batch, p=self.odds)
        sounds = draw_batch(self.corpus, clips, rng, altered)
        heard = [self._hear(sounds, row) for row in range(len(clips))]
        logits, embeddings = (torch.stack(column) for column in zip(*heard, strict=True))
        with torch.no_grad():
            logmels = self.student.front_end(normalise_level(sounds.windows))
        return Lesson(logmels, logits, self.projection(embeddings))

    def _hear(self, sounds: Sounds, row: int) -> tuple[Tensor, Tensor]:
        """Ask the teacher; what it said of an unaltered sound is kept."""
        source = sounds.sources[row]
        if source is not None and source in self.known:
            return self.known[source]
        level, length = float(sounds.levels[row]), int(sounds.lengths[row])
        answer = self.teacher.hear(sounds.windows[row], level, length)
        if source is not None:
            self.known[source] = answer
        return answer

    def _learn(self, lesson: Lesson) -> float:
        guess, embedding = self.student.classify(lesson.logmels)
        loss = distillation_loss(guess, embedding, lesson.logits, lesson.embeddings)
        self.optimizer.zero_grad(set_to_none=True)
        loss.backward()  # type: ignore[no-untyped-call]
        torch.nn.utils.clip_grad_norm_(self.student.parameters(), 5.0)
        self.optimizer.step()
        self._update_average()
        return loss.item()

    def _set_rate(self, step: int, steps: int) -> None:
        """Warm up, then fall to zero along half a cosine."""
        recipe = self.recipe
        factor = min((step + 1) / recipe.warmup_steps, 0.5 + 0.5 * math.cos(math.pi * step / steps))
        for group in self.optimizer.param_groups:
            group["lr"] = recipe.learning_rate * factor

    @torch.no_grad()
    def _update_average(self) -> None:
        keep = self.recipe.averaging
        ours, theirs = self.average.state_dict(), self.student.state_dict()
        learnt = [name for name, value in ours.items() if value.dtype.is_floating_point]
        torch._foreach_lerp_([ours[n] for n in learnt], [theirs[n] for n in learnt], 1 - keep)
        for name in ours.keys() - learnt:
            ours[name].copy_(theirs[name])

    def _teacher_embeddings(self, clips: int = 3_000) -> Tensor:
        rng = np.random.default_rng(self.recipe.seed)
        train = np.flatnonzero(~self.corpus.is_val)
        chosen = rng.choice(train, min(clips, len(train)), replace=False)
        windows = (np.resize(self.corpus.samples(c), SAMPLES) for c in chosen)
        heard = (torch.from_numpy(window.astype(np.float32)) for window in windows)
        return torch.stack([self.teacher.hear(window, 1 / 32768, SAMPLES)[1] for window in heard])


def distillation_loss(guess: Tensor, embedding: Tensor, logits: Tensor, target: Tensor) -> Tensor:
    """Sum of how far scores, logits and embedding are from the teacher's.

    Cross-entropy on the scores teaches the decision, squared error on the logits the order of
    classes, above all of those that either holds for possible, and the embedding what makes
    sounds alike. Hundreds of classes are out of the question for any sound; with equal weights
    they were nine tenths of the loss.
    """
    scores = torch.sigmoid(logits)
    decision = torch.nn.functional.binary_cross_entropy_with_logits(guess, scores, reduction="none")
    weight = 0.02 + torch.maximum(scores, torch.sigmoid(guess.detach())).sqrt()
    order = weight * (guess - logits.clamp(min=-10)).square()
    distance = (embedding - target).square().sum(1) / target.square().sum(1).mean()
    angle = 1 - torch.nn.functional.cosine_similarity(embedding, target)
    return (decision.sum(1) + order.sum(1) / 20 + distance / 2 + angle / 2).mean()


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
