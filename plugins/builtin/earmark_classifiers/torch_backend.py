"""What the taggers computed by torch share: devices, batches, memory, silence, pooling.

Importing this module does not import torch; `TorchTagger.load` does.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from earmark_classifiers.scores import SILENCE, fade_quiet, quadratic_softmax
from earmark_plugin_api import (
    DeviceUnavailableError,
    Manifest,
    NotLoadedError,
    OutOfDeviceMemoryError,
    WindowScores,
    require_window_scores,
    require_windows,
)

if TYPE_CHECKING:
    from torch import nn

Floats = npt.NDArray[np.float32]


class TorchTagger(ABC):
    """A tagger whose network maps windows to logits and embeddings.

    A subclass says what it is (`manifest`, with AudioSet's "Silence" among the labels) and makes
    its network (`make_network`). On the CPU it computes with one thread: several processes are
    faster than several threads.
    """

    rows_on_cpu: int | None = None
    """Windows computed at once on the CPU, where a larger batch falls out of the caches."""

    def __init__(self) -> None:
        self._network: nn.Module | None = None
        self._device = "cpu"

    @property
    @abstractmethod
    def manifest(self) -> Manifest:
        """Identity, labels and needs."""

    @abstractmethod
    def make_network(self) -> nn.Module:
        """Return the network with its weights, on the CPU and in evaluation mode.

        Its ``forward`` maps ``[windows, samples]`` to logits ``[windows, labels]`` and embeddings
        ``[windows, embedding_size]``.

        Raises
        ------
        WeightsMissingError
            If the weights are not on this machine or cannot be used.
        """

    def to_scores(self, logits: Floats) -> Floats:
        """Map logits to scores in [0, 1]; the sigmoid, unless a subclass knows better."""
        scores: Floats = (1 / (1 + np.exp(-logits))).astype(np.float32)
        return scores

    def load(self, device: str = "cpu") -> None:
        """Read the weights and move them to `device`.

        Raises
        ------
        DeviceUnavailableError
            If torch does not see the device.
        WeightsMissingError
            See `make_network`.
        """
        import torch

        require_device(device)
        network = self.make_network()
        if device == "cpu":
            torch.set_num_threads(1)
        self._network = network.to(device)
        self._device = device

    def predict(self, windows: Floats) -> WindowScores:
        """Score windows ``[windows, samples]``.

        Scores fade to nothing, and "Silence" to one, where the peak of a window lies between
        -60 and -70 dBFS: what is that quiet is noise of the recording chain.

        Raises
        ------
        NotLoadedError, InvalidInputError, OutOfDeviceMemoryError
            See `earmark_plugin_api.Classifier.predict`.
        """
        manifest = self.manifest
        if self._network is None:
            raise NotLoadedError(f"load the {manifest.name} classifier before predict")
        require_windows(manifest, windows)
        if not len(windows):
            return WindowScores(
                np.zeros((0, len(manifest.labels)), np.float32),
                np.zeros((0, manifest.embedding_size), np.float32),
            )
        logits, embeddings = self._run(self._network, windows)
        silence = next(i for i, label in enumerate(manifest.labels) if label.id == SILENCE)
        return WindowScores(fade_quiet(self.to_scores(logits), windows, silence), embeddings)

    def pool(self, scores: Floats) -> Floats:
        """Combine window scores ``[windows, labels]`` so that a short event is not lost.

        Raises
        ------
        InvalidInputError
            If there is no window or a score is not one.
        """
        require_window_scores(self.manifest, scores)
        return quadratic_softmax(scores)

    def close(self) -> None:
        """Give the network's memory back."""
        self._network = None

    def __getstate__(self) -> dict[str, str]:
        """Pickle as an unloaded classifier: the weights are on every machine already."""
        return {}

    def __setstate__(self, state: dict[str, str]) -> None:
        self.__init__()  # type: ignore[misc]

    def _run(self, network: nn.Module, windows: Floats) -> tuple[Floats, Floats]:
        import torch

        limit = self.rows_on_cpu if self._device == "cpu" else None
        try:
            with torch.inference_mode():
                # A copy: torch does not take arrays that cannot be written to.
                batch = torch.tensor(windows, device=self._device)
                step = limit or len(batch)
                parts = [network(batch[i : i + step]) for i in range(0, len(batch), step)]
                logits, embeddings = (torch.cat(column) for column in zip(*parts, strict=True))
                return logits.cpu().numpy(), embeddings.cpu().numpy()
        except torch.OutOfMemoryError as error:
            raise OutOfDeviceMemoryError(
                f"{len(windows)} windows do not fit into the memory of {self._device}"
            ) from error


def require_device(device: str) -> None:
    """Refuse a device that torch does not see here.

    Raises
    ------
    DeviceUnavailableError
    """
    import torch

    kind, _, index = device.partition(":")
    known = kind == "cpu" or (
        kind == "cuda"
        and torch.cuda.is_available()
        and (not index or (index.isdigit() and int(index) < torch.cuda.device_count()))
    )
    if not known:
        raise DeviceUnavailableError(f"there is no device {device!r} here; use 'cpu'")
