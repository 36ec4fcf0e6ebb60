"""Networks from files that somebody else has published: read as tensors, never run."""

from __future__ import annotations

import pickle
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from earmark_classifiers.downloaded import WeightsUnusableError

NOT_OF_THAT_SHAPE = (
    pickle.UnpicklingError,
    RuntimeError,
    EOFError,
    ValueError,
    AttributeError,
    KeyError,
    TypeError,
)
"""What torch, and a renaming that meets unknown names, raise for another file."""


def load_published(
    network: nn.Module,
    path: Path,
    rename: Callable[[Any], Mapping[str, Tensor]],
    classifier: str,
) -> None:
    """Fill a network from a file, on the CPU.

    Parameters
    ----------
    network : Module
    path : Path
        A file of `torch.save`; read as tensors only: nothing in it is run.
    rename : Callable
        Maps what is in the file to the state dict of the network.
    classifier : str
        Name to fetch the file under.

    Raises
    ------
    WeightsUnusableError
        If it is not the file of such a network.
    """
    try:
        state = torch.load(path, map_location="cpu", weights_only=True)
        network.load_state_dict(rename(state))
    except NOT_OF_THAT_SHAPE as error:
        reason = str(error).strip().partition("\n")[0]
        raise WeightsUnusableError(
            f"{path} is not the published state dict ({reason}). `earmark models remove "
            f"{classifier}` and `earmark models pull {classifier}` get it again."
        ) from error
