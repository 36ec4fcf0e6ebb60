"""The backend class: what the platform sees of the network."""

from __future__ import annotations

import csv
import json
from functools import cache
from importlib.resources import as_file, files
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from earmark_classifiers.audioset.pooling import linear_softmax
from earmark_plugin_api import (
    DeviceUnavailableError,
    Label,
    Manifest,
    NotLoadedError,
    OutOfDeviceMemoryError,
    WeightsMissingError,
    Window,
    WindowScores,
    require_window_scores,
    require_windows,
)

if TYPE_CHECKING:
    from earmark_classifiers.audioset.network import AudioSetNetwork

VERSION = "1.0.0"
SILENCE = "/m/028v0c"
QUIET_DBFS = (-70.0, -60.0)
"""Peak levels: below the first nothing is heard, above the second everything."""

Floats = npt.NDArray[np.float32]


@cache
def read_labels() -> tuple[Label, ...]:
    """Return the 527 AudioSet labels in the order of the score columns."""
    text = files(__package__).joinpath("labels.csv").read_text("utf-8")
    return tuple(Label(row["mid"], row["name"]) for row in csv.DictReader(text.splitlines()))


@cache
def manifest() -> Manifest:
    """Return the identity and needs of the classifier."""
    return Manifest(
        name="audioset",
        version=VERSION,
        labels=read_labels(),
        sample_rate=16_000,
        window=Window(seconds=5.0, hop_seconds=5.0),
        licence="Apache-2.0 AND MIT",
        description="527 AudioSet classes: multi-level attention over a small convolutional net.",
        devices=("cpu", "cuda"),
        embedding_size=256,
        memory_mb=300,
        calibrated=True,
    )


class AudioSetClassifier:
    """527 AudioSet classes; see ``docs/models/audioset.md`` for data, figures and limits.

    On the CPU it computes with one thread: several processes are faster than several threads.
    """

    def __init__(self) -> None:
        self._network: AudioSetNetwork | None = None
        self._device = "cpu"
        self._calibration = (1.0, 0.0)

    @property
    def manifest(self) -> Manifest:
        """Identity, labels and needs."""
        return manifest()

    def load(self, device: str = "cpu") -> None:
        """Read the bundled weights and move them to `device`.

        Raises
        ------
        DeviceUnavailableError
            If torch does not see the device.
        WeightsMissingError
            If the weights were left out of the installation.
        """
        import torch
        from safetensors import safe_open

        from earmark_classifiers.audioset.network import AudioSetNetwork
        from earmark_classifiers.networks.mobilenet import fuse_batch_norms

        _check_device(device)
        network = AudioSetNetwork()
        resource = files(__package__) / "weights" / f"audioset-{VERSION}.safetensors"
        with as_file(resource) as path:
            if not path.exists():
                raise WeightsMissingError(f"{path.name} is missing; install Earmark again")
            with safe_open(path, framework="pt") as file:
                names = file.keys()
                network.load_state_dict({name: file.get_tensor(name) for name in names})
                calibration = json.loads(file.metadata()["calibration"])
        if device == "cpu":
            torch.set_num_threads(1)
        self._calibration = (calibration["scale"], calibration["offset"])
        self._network = fuse_batch_norms(network).to(device)
        self._device = device

    def predict(self, windows: Floats) -> WindowScores:
        """Score windows ``[windows, 80000]``: 527 calibrated scores and 256 values each.

        Scores fade to nothing, and "Silence" to one, where the peak of a window lies between
        -60 and -70 dBFS: what is that quiet is noise of the recording chain.

        Raises
        ------
        NotLoadedError, InvalidInputError, OutOfDeviceMemoryError
            See `earmark_plugin_api.Classifier.predict`.
        """
        if self._network is None:
            raise NotLoadedError("load the audioset classifier before predict")
        require_windows(self.manifest, windows)
        if not len(windows):
            return WindowScores(np.zeros((0, 527), np.float32), np.zeros((0, 256), np.float32))
        logits, embeddings = self._run(self._network, windows)
        scale, offset = self._calibration
        scores = 1 / (1 + np.exp(-(scale * logits + offset)))
        return WindowScores(_fade_quiet(scores, windows).astype(np.float32), embeddings)

    def pool(self, scores: Floats) -> Floats:
        """Combine window scores ``[windows, 527]`` so that a short event is not lost.

        Raises
        ------
        InvalidInputError
            If there is no window or a score is not one.
        """
        require_window_scores(self.manifest, scores)
        return linear_softmax(scores)

    def close(self) -> None:
        """Give the network's memory back."""
        self._network = None

    def __getstate__(self) -> dict[str, str]:
        """Pickle as an unloaded classifier: the weights are on every machine already."""
        return {}

    def __setstate__(self, state: dict[str, str]) -> None:
        self.__init__()  # type: ignore[misc]

    def _run(self, network: AudioSetNetwork, windows: Floats) -> tuple[Floats, Floats]:
        import torch

        try:
            with torch.inference_mode():
                batch = torch.tensor(windows, device=self._device)
                logits, embeddings = network(batch)
                return logits.cpu().numpy(), embeddings.cpu().numpy()
        except torch.OutOfMemoryError as error:
            raise OutOfDeviceMemoryError(
                f"{len(windows)} windows do not fit into the memory of {self._device}"
            ) from error


def _check_device(device: str) -> None:
    import torch

    kind, _, index = device.partition(":")
    known = kind == "cpu" or (
        kind == "cuda"
        and torch.cuda.is_available()
        and (not index or (index.isdigit() and int(index) < torch.cuda.device_count()))
    )
    if not known:
        raise DeviceUnavailableError(f"there is no device {device!r} here; use 'cpu'")


def _fade_quiet(scores: Floats, windows: Floats) -> Floats:
    peak = np.abs(windows).max(axis=1)
    level = 20 * np.log10(np.maximum(peak, 1e-10))
    low, high = QUIET_DBFS
    heard = np.clip((level - low) / (high - low), 0.0, 1.0)[:, None]
    faded: Floats = scores * heard
    silence = next(i for i, label in enumerate(read_labels()) if label.id == SILENCE)
    faded[:, silence] = np.maximum(scores[:, silence], 1 - heard[:, 0])
    return faded
