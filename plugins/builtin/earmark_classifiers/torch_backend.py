"""Networks run by torch: devices, batches, memory.

Importing this module does not import torch; loading does.
"""

from __future__ import annotations

from abc import abstractmethod
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from earmark_classifiers.tagger import Engine, Tagger
from earmark_plugin_api import DeviceUnavailableError, OutOfDeviceMemoryError

if TYPE_CHECKING:
    from torch import Tensor, nn

Floats = npt.NDArray[np.float32]


class TorchTagger(Tagger):
    """A tagger whose network torch computes; a subclass makes the network (`make_network`)."""

    rows_on_cpu: int | None = None
    """Windows computed at once on the CPU, where a larger batch falls out of the caches."""

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

    def make_engine(self, device: str) -> Engine:
        """Return the network on `device`.

        Raises
        ------
        DeviceUnavailableError
            If torch does not see the device.
        WeightsMissingError
            See `make_network`.
        """
        require_device(device)
        return TorchEngine(self.make_network(), device, self.rows_on_cpu)


class TorchEngine:
    """A network on a device.

    On the CPU it computes with one thread: several processes are faster than several threads. On
    a GPU it computes in half precision where autocast holds that safe (the front end does not),
    and halves its batches when memory runs out.

    Parameters
    ----------
    network : Module
        See `TorchTagger.make_network`; moved to the device.
    device : str
        One that `require_device` lets through.
    rows_on_cpu : int, optional
        Windows computed at once on the CPU.
    """

    def __init__(self, network: nn.Module, device: str, rows_on_cpu: int | None = None) -> None:
        import torch

        self._device = torch.device(device)
        if self._device.type == "cpu":
            torch.set_num_threads(1)
        self._network = network.to(self._device)
        self._rows = rows_on_cpu if self._device.type == "cpu" else None

    def __call__(self, windows: Floats) -> tuple[Floats, Floats]:
        """Compute one window or more; see `Engine`."""
        import torch

        done: list[tuple[Tensor, Tensor]] = []
        begin, rows = 0, self._rows or len(windows)
        with torch.inference_mode():
            while begin < len(windows):
                try:
                    done.append(self._compute(windows[begin : begin + rows]))
                    begin += rows
                except torch.OutOfMemoryError as error:
                    if rows == 1:
                        raise OutOfDeviceMemoryError(
                            f"not even one window fits into the memory of {self._device}"
                        ) from error
                    rows = self._rows = (min(rows, len(windows) - begin) + 1) // 2
        logits, embeddings = (torch.cat(column).numpy() for column in zip(*done, strict=True))
        return logits, embeddings

    def _compute(self, windows: Floats) -> tuple[Tensor, Tensor]:
        import torch

        batch = torch.tensor(windows)  # a copy: torch refuses arrays that cannot be written to
        if self._device.type != "cpu":
            # From pinned memory the copy runs while the GPU still computes what was asked before.
            batch = batch.pin_memory().to(self._device, non_blocking=True)
        with torch.autocast(self._device.type, torch.float16, self._device.type != "cpu"):
            logits, embeddings = self._network(batch)
        return logits.float().cpu(), embeddings.float().cpu()


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
