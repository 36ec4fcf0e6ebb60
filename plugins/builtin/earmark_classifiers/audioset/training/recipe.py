"""The numbers of a training, from a file: ``recipe.json`` beside this is that of the weights."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

from earmark_classifiers.training.errors import TrainingError

BUNDLED = Path(__file__).with_name("recipe.json")
"""What the weights that ship were made by."""


class BadRecipeError(TrainingError):
    """A file is not a recipe."""

    code = "bad_recipe"


class RecipeChangedError(TrainingError):
    """A checkpoint is of another recipe than it should go on by."""

    code = "recipe_changed"


@dataclass(frozen=True)
class Recipe:
    """A change of any number makes another network.

    Attributes
    ----------
    epochs, steps_per_epoch, batch : int
        The teacher is asked about ``epochs * steps_per_epoch * batch`` sounds at most.
    learning_rate : float
        At its highest, after `warmup_steps`; it falls to zero along half a cosine.
    warmup_steps : int
    altered_first, altered_last : float
        Share of altered sounds in the first and the last epoch.
    weight_decay : float
        Of AdamW.
    averaging : float
        Weight of the past in the running mean of the weights, which is what is kept.
    seed : int
        Of everything that is drawn.
    """

    epochs: int
    steps_per_epoch: int
    batch: int
    learning_rate: float
    warmup_steps: int
    altered_first: float
    altered_last: float
    weight_decay: float
    averaging: float
    seed: int


def read_recipe(path: Path = BUNDLED) -> Recipe:
    """Read a recipe; all of its numbers have to be there.

    Raises
    ------
    BadRecipeError
        If it cannot be read, or lacks a number, or has one that means nothing.
    """
    try:
        return Recipe(**json.loads(path.read_text("utf-8")))
    except (OSError, ValueError, TypeError) as error:
        raise BadRecipeError(f"{path} is not a recipe: {error}") from error
