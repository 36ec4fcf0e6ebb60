"""Checkpoints of a training: written whole or not at all, and read without trusting pickles."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import torch

from earmark_classifiers.training.errors import TrainingError

FILE_NAME = "checkpoint.pt"


class CheckpointError(TrainingError):
    """There is no checkpoint to go on from, or it belongs to another training."""

    code = "checkpoint_unusable"


def write_checkpoint(folder: Path, state: dict[str, Any]) -> None:
    """Replace the checkpoint in `folder`; a kill at any moment leaves the old or the new one."""
    partial = folder / f"{FILE_NAME}.partial"
    with partial.open("wb") as file:
        torch.save(state, file)
        file.flush()
        os.fsync(file.fileno())
    partial.replace(folder / FILE_NAME)


def read_checkpoint(folder: Path, recipe: dict[str, Any]) -> dict[str, Any]:
    """Return the state in `folder` if it comes from a training with the same `recipe`.

    Raises
    ------
    CheckpointError
    """
    try:
        state: dict[str, Any] = torch.load(
            folder / FILE_NAME, map_location="cpu", weights_only=True
        )
    except FileNotFoundError as error:
        raise CheckpointError(
            "There is nothing to go on from: no epoch was finished. Start without --resume."
        ) from error
    except (OSError, RuntimeError, EOFError, ValueError) as error:
        raise CheckpointError(
            f"The checkpoint cannot be read ({error}). Start again without --resume."
        ) from error
    if state["recipe"] != recipe:
        different = sorted(
            name
            for name in {*state["recipe"], *recipe}
            if state["recipe"].get(name) != recipe.get(name)
        )
        raise CheckpointError(
            f"The unfinished training had other data or options ({', '.join(different)}). Give "
            "the same ones, or start again without --resume."
        )
    return state
